using System.Globalization;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Tests.Crm;

namespace LeadPipeline.Mcp.Tests.Execution;

/// <summary>How the fake can be told to fail.</summary>
public enum Fault { Refuse, Transient, LostBefore, LostAfter, RateLimited, Unauthorized }

/// <summary>
/// A CRM in memory that is as strict as <see cref="ICrm"/> says: unique keys, versions, links that must lead somewhere. It counts what it
/// creates, since no effect may happen twice.
/// </summary>
internal sealed class FakeCrm : ICrm
{
    private readonly List<Row> rows = [];
    private readonly List<(string Tool, Fault Fault, bool Undo, int After)> faults = [];
    private int ids;

    public string Provider => "fake";

    /// <summary>Records made for each effect key, removed ones included.</summary>
    public Dictionary<string, int> Created { get; } = [];

    /// <summary>Writes that are still answered before the process ends; null: it does not.</summary>
    public int? WritesBeforeCrash { get; set; }

    /// <summary>The process ends before or after one of the calls, counted from 0; null: it does not.</summary>
    public (int Call, bool After)? KillAt { get; set; }

    /// <summary>Calls so far, reads and writes.</summary>
    public int Calls { get; private set; }

    /// <summary>The steps of each batch that was sent.</summary>
    public List<IReadOnlyList<string>> Sent { get; } = [];

    /// <summary>Batches that were sent.</summary>
    public int Batches { get; private set; }

    /// <summary>Runs once, between the read and the write of a plan.</summary>
    public Action? BeforeNextWrite { get; set; }

    /// <summary>The next write of a tool fails so, or one after so many others of it; an undo's write only when told so.</summary>
    public void FailNext(string tool, Fault fault, bool undo = false, int after = 0) => faults.Add((tool, fault, undo, after));

    /// <summary>A record that a person made.</summary>
    public string Add(CrmObject kind, string? recordKey, params (string Field, string Value)[] fields)
    {
        var row = new Row(kind, NextId(kind), null) { RecordKey = recordKey };
        foreach (var (field, value) in fields)
            row.Fields[field] = value;
        rows.Add(row);
        return row.Id;
    }

    /// <summary>A person changes a field.</summary>
    public void Edit(string id, string field, string? value)
    {
        var row = rows.Single(r => r.Id == id);
        if (value is null)
            row.Fields.Remove(field);
        else
            row.Fields[field] = value;
        row.Version++;
    }

    /// <summary>A person takes a record away.</summary>
    public void Remove(string id) => rows.Single(r => r.Id == id).Removed = true;

    /// <summary>The only live record of a kind.</summary>
    public CrmRecord Only(CrmObject kind) => Live(kind).Single().ToRecord();

    public IReadOnlyList<CrmRecord> All(CrmObject kind) => [.. Live(kind).Select(r => r.ToRecord())];

    /// <summary>All live records as text, versions apart, to be compared.</summary>
    public string Dump() => string.Join('\n', rows.Where(r => !r.Removed)
        .Select(r => $"{r.Object} {r.Id}: {string.Join(", ", r.Fields.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key}={f.Value}"))}")
        .Order(StringComparer.Ordinal));

    public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => Killable(() => Read(query));

    private CrmView Read(CrmQuery query)
    {
        var accounts = Live(CrmObject.Account).Where(r => Is(r, CrmFields.Domain, query.AccountDomain) || Is(r, CrmFields.Name, query.AccountName)).ToList();
        return new CrmView
        {
            Leads = [.. Live(CrmObject.Lead).Where(r => (r.RecordKey is not null && r.RecordKey == query.RecordKey) || Is(r, CrmFields.Email, query.Email)).Select(r => r.ToRecord())],
            Accounts = [.. accounts.Select(r => r.ToRecord())],
            OpenOpportunities = [.. Live(CrmObject.Opportunity).Where(o => accounts.Exists(a => Is(o, CrmFields.Account, a.Id))).Select(r => r.ToRecord())],
            Campaign = rows.Find(r => !r.Removed && r.Object == CrmObject.Campaign && r.Id == query.Campaign)?.ToRecord(),
            Users = [.. Live(CrmObject.User).Where(r => r.Id == query.User || Is(r, CrmFields.Email, query.User) || Is(r, CrmFields.Name, query.User)).Select(r => r.ToRecord())],
            Contacts = [.. Live(CrmObject.Contact).Where(r => Is(r, CrmFields.Email, query.ContactEmail)).Select(r => r.ToRecord())],
            Effects = rows.Where(r => !r.Removed && r.EffectKey is not null && query.Effects.Contains((r.Object, r.EffectKey))).ToDictionary(r => r.EffectKey!, r => r.ToRecord()),
            Records = rows.Where(r => !r.Removed && query.Records.Contains((r.Object, r.Id))).ToDictionary(r => r.Id, r => r.ToRecord()),
        };
    }

    public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => Killable(() => Write(batch));

    private Task<T> Killable<T>(Func<T> call)
    {
        var number = Calls++;
        if (KillAt == (number, false))
            throw new CrashException();
        var answer = call();
        return KillAt == (number, true) ? throw new CrashException() : Task.FromResult(answer);
    }

    private IReadOnlyList<CrmOutcome> Write(CrmBatch batch)
    {
        Sent.Add([.. batch.Writes.Select(w => w.Step).Distinct()]);
        Batches++;
        (BeforeNextWrite, var before) = (null, BeforeNextWrite);
        before?.Invoke();

        var versions = rows.ToDictionary(r => r.Id, r => r.Version);
        var steps = new Dictionary<string, string>();
        var refused = new HashSet<string>();
        var outcomes = new List<CrmOutcome>();
        CrmOutcome? stop = null;
        foreach (var write in batch.Writes)
        {
            var outcome = stop is not null ? new CrmOutcome.NotTried() : WriteOne(write);
            outcomes.Add(outcome);
            if (outcome is CrmOutcome.Refused)
                refused.Add(write.Step);
            if (outcome is CrmOutcome.NotNow or CrmOutcome.Unknown or CrmOutcome.Refused { Code: CrmCodes.ChangedSince } || (outcome is CrmOutcome.Refused && batch.StopAtRefusal.Contains(write.Step)))
                stop = outcome;
        }
        return outcomes;

        CrmOutcome WriteOne(CrmWrite write)
        {
            if (WritesBeforeCrash is { } left && (WritesBeforeCrash = left - 1) < 0)
                throw new CrashException();
            if (write.References.Any(refused.Contains))
                return new CrmOutcome.Refused(CrmCodes.InvalidReference, "refers to what was refused");
            var at = faults.FindIndex(f => f.Tool == write.Tool && f.Undo == (batch.StopAtRefusal.Count == 0));
            if (at < 0)
                return Apply(write);
            if (faults[at] is { After: > 0 } later)
            {
                faults[at] = later with { After = later.After - 1 };
                return Apply(write);
            }
            var fault = faults[at].Fault;
            faults.RemoveAt(at);
            switch (fault)
            {
                case Fault.Refuse:
                    return new CrmOutcome.Refused(CrmCodes.Permanent, "no");
                case Fault.LostBefore:
                    return new CrmOutcome.Unknown("no answer");
                case Fault.LostAfter:
                    _ = Apply(write);
                    return new CrmOutcome.Unknown("no answer");
                case Fault.RateLimited:
                    return new CrmOutcome.NotNow(NotNowKind.RateLimited, "slowly", TimeSpan.FromSeconds(7));
                case Fault.Unauthorized:
                    return new CrmOutcome.NotNow(NotNowKind.Unauthorized, "who are you");
                default:
                    return new CrmOutcome.NotNow(NotNowKind.Transient, "503");
            }
        }

        CrmOutcome Apply(CrmWrite write)
        {
            switch (write)
            {
                case CreateRecord create:
                    if (rows.Find(r => r.EffectKey == create.EffectKey) is { } there)
                    {
                        steps[create.Step] = there.Id;
                        return new CrmOutcome.Done(there.Id, there.Text, Replayed: true);
                    }
                    if (create.RecordKey is not null && rows.Exists(r => !r.Removed && r.RecordKey == create.RecordKey))
                        return new CrmOutcome.Refused(CrmCodes.ChangedSince, "the key is taken");
                    var made = new Row(create.Object, NextId(create.Object), create.EffectKey) { RecordKey = create.RecordKey };
                    steps.TryAdd(create.Step, made.Id);
                    Set(made, create.Fields!);
                    rows.Add(made);
                    Created[create.EffectKey] = Created.GetValueOrDefault(create.EffectKey) + 1;
                    return new CrmOutcome.Done(made.Id, made.Text);

                case UpdateRecord update:
                    var target = update.Target.Id ?? steps.GetValueOrDefault(update.Target.Step!) ?? throw new InvalidOperationException($"{update.Target} leads nowhere");
                    if (rows.Find(r => r.Id == target && !r.Removed) is not { } row)
                        return new CrmOutcome.Refused(CrmCodes.NotFound, "gone");
                    if (update.ExpectedVersion is { } expected && expected != Text(versions[row.Id]))
                        return new CrmOutcome.Refused(CrmCodes.ChangedSince, "another version");
                    Set(row, update.Fields);
                    row.Version++;
                    return new CrmOutcome.Done(row.Id, row.Text);

                case ConvertLead convert:
                    if (rows.Find(r => r.Id == convert.Lead.Id && !r.Removed) is not { } lead)
                        return new CrmOutcome.Refused(CrmCodes.NotFound, "gone");
                    if (convert.ExpectedVersion is { } seen && seen != Text(versions[lead.Id]))
                        return new CrmOutcome.Refused(CrmCodes.ChangedSince, "another version");
                    if (lead.Fields.ContainsKey(CrmFields.ConvertedContact))
                        return new CrmOutcome.Refused(CrmCodes.NotConvertible, "converted already");
                    // As with the vendors, the contact does not have to carry our key: the lead tells what became of it.
                    var contact = new Row(CrmObject.Contact, NextId(CrmObject.Contact), null);
                    contact.Fields[CrmFields.Account] = convert.Account.Id!;
                    contact.Fields[CrmFields.Email] = lead.Fields[CrmFields.Email];
                    rows.Add(contact);
                    (lead.Fields[CrmFields.Status], lead.Fields[CrmFields.ConvertedContact], lead.Fields[CrmFields.ConvertedAccount]) = ("Converted", contact.Id, convert.Account.Id!);
                    lead.Version++;
                    return new CrmOutcome.Done(lead.Id, lead.Text, Data: new Dictionary<string, string> { [CrmFields.ConvertedContact] = contact.Id });

                case RemoveRecord remove:
                    if (rows.Find(r => r.Id == remove.Id && !r.Removed) is not { } doomed)
                        return new CrmOutcome.Refused(CrmCodes.NotFound, "gone");
                    if (remove.ExpectedVersion is { } known && known != Text(versions[doomed.Id]))
                        return new CrmOutcome.Refused(CrmCodes.ChangedSince, "another version");
                    if (doomed.Object == CrmObject.Account && rows.Exists(r => !r.Removed && Is(r, CrmFields.Account, doomed.Id)))
                        return new CrmOutcome.Refused(CrmCodes.Permanent, "the account is in use");
                    doomed.Removed = true;
                    return new CrmOutcome.Done(doomed.Id, doomed.Text);

                default:
                    throw new InvalidOperationException($"{write.GetType().Name} was not expected");
            }
        }

        void Set(Row row, IReadOnlyDictionary<string, string?> fields)
        {
            foreach (var (field, value) in fields)
            {
                var text = value is not null && CrmFields.IsLink(field) && RecordRef.Parse(value).Step is { } step ? steps.GetValueOrDefault(step) ?? throw new InvalidOperationException($"{value} leads nowhere") : value;
                if (text is not null && CrmFields.IsLink(field) && !rows.Exists(r => r.Id == text) && !steps.ContainsValue(text))
                    throw new InvalidOperationException($"{field} {text} leads nowhere");
                if (string.IsNullOrEmpty(text))
                    row.Fields.Remove(field);
                else
                    row.Fields[field] = text;
            }
        }
    }

    private IEnumerable<Row> Live(CrmObject kind) => rows.Where(r => r.Object == kind && !r.Removed);

    private string NextId(CrmObject kind) => string.Create(CultureInfo.InvariantCulture, $"{kind}-{++ids}");

    private static bool Is(Row row, string field, string? value) =>
        !string.IsNullOrEmpty(value) && string.Equals(row.Fields.GetValueOrDefault(field), value, StringComparison.OrdinalIgnoreCase);

    private static string Text(int version) => version.ToString(CultureInfo.InvariantCulture);

    private sealed class Row(CrmObject kind, string id, string? effectKey)
    {
        public CrmObject Object => kind;
        public string Id => id;
        public string? EffectKey => effectKey;
        public string? RecordKey { get; init; }
        public Dictionary<string, string> Fields { get; } = [];
        // Not the same for all records, so that a version of one is not taken for that of another.
        public int Version { get; set; } = (id.Length * 100) + id[^1];
        public string Text => FakeCrm.Text(Version);
        public bool Removed { get; set; }

        public CrmRecord ToRecord() => new(kind, id, new Dictionary<string, string>(Fields), Text, effectKey, RecordKey);
    }
}
