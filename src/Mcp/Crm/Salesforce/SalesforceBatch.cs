using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>
/// A batch on its way into Salesforce: which exchange comes next, and what the answers make of the writes. No I/O.
/// <para>
/// As many writes as fit travel in one composite that takes effect as a whole or not at all. When Salesforce refuses one of them, the others
/// of the composite were not written either; the refused one is taken out, with what refers to it, and the rest is sent again. So the order
/// holds, a refused critical write has nothing after it, and no answer leaves half a batch in doubt.
/// </para>
/// </summary>
internal sealed class SalesforceBatch
{
    /// <summary>Salesforce's limits of one composite.</summary>
    private const int MaxParts = 25, MaxQueries = 5;

    private readonly CrmBatch batch;
    private readonly SalesforceFields fields;
    private readonly SalesforceOptions options;
    private readonly Func<string, string?> stage;
    private readonly DateOnly today;
    private readonly string root;

    private readonly Dictionary<string, string> made = [];
    private readonly Dictionary<string, string?> versions = [];
    private readonly HashSet<string> refusedSteps = [];
    private readonly HashSet<int> guarded = [];
    private readonly List<int> unversioned = [];
    private int stopAt = int.MaxValue;
    private bool readVersions = true;

    /// <param name="batch">What to write.</param>
    /// <param name="fields">The field map.</param>
    /// <param name="options">The settings.</param>
    /// <param name="stage">The org's name of one of our stages; null: it has none.</param>
    /// <param name="today">The day on which history entries are dated.</param>
    public SalesforceBatch(CrmBatch batch, SalesforceFields fields, SalesforceOptions options, Func<string, string?> stage, DateOnly today)
    {
        (this.batch, this.fields, this.options, this.stage, this.today) = (batch, fields, options, stage, today);
        root = $"/services/data/{options.ApiVersion}";
        Outcomes = new CrmOutcome[batch.Writes.Count];
    }

    /// <summary>One outcome a write; null: not decided yet.</summary>
    public CrmOutcome?[] Outcomes { get; }

    /// <summary>The next exchange; null when every write has its outcome.</summary>
    public SalesforceRound? Next()
    {
        var chunk = new Chunk();
        for (var i = 0; i < Outcomes.Length; i++)
        {
            if (Outcomes[i] is not null || Settle(i, chunk.Made))
                continue;
            if (Prepare(i, chunk) is not { } prepared)
                continue;
            if (prepared is not Prepared.InChunk part)
                return chunk.Parts == 0 ? Alone(i, prepared) : Compose(chunk);
            if (chunk.Parts > 0 && (chunk.Parts + part.Cost > MaxParts || chunk.Queries + part.Queries > MaxQueries))
                return Compose(chunk);
            Add(i, part, chunk);
        }
        return chunk.Parts > 0 || unversioned.Count > 0 ? Compose(chunk) : null;
    }

    /// <summary>There is no time left for another exchange.</summary>
    public void OutOfTime() => Stop(new CrmOutcome.NotNow(NotNowKind.Transient, "there was no time left for the rest of the batch", Fault: CrmFault.Timeout));

    /// <summary>Takes the answer to a composite.</summary>
    /// <param name="composite">What was sent.</param>
    /// <param name="reply">What came.</param>
    /// <param name="me">Our own user id, when known.</param>
    public void Take(SalesforceRound.Composite composite, VendorReply reply, string? me)
    {
        var writes = composite.Parts.Where(p => p.Kind == PartKind.Write).Select(p => p.Write).ToList();
        var answers = reply is VendorReply.Answer { Status: 200, Body: var body } ? Answers(body, composite.Parts) : null;
        if (composite.Parts.All(p => p.Kind == PartKind.Version))
        {
            // What is written counts; a version that could not be read is none.
            unversioned.Clear();
            if (answers is not null)
                Done(composite, answers, me);
            return;
        }
        if (reply is VendorReply.Answer { Status: 200 } && answers is null)
            Lost(writes, composite.Parts[0].Write, "the CRM's answer cannot be read");
        else if (answers is null)
            Failed(reply, writes, composite.Parts[0].Write);
        else if (answers.Exists(a => a.Status >= 400))
            TakenBack(composite, answers, writes);
        else
            Done(composite, answers, me);
    }

    /// <summary>Takes the answer to a write that was a call of its own.</summary>
    public void Take(SalesforceRound.Direct direct, VendorReply reply)
    {
        switch (reply)
        {
            case VendorReply.Answer { Status: >= 200 and < 300 } done:
                Succeed(direct.Write, done.Status, done.Body);
                unversioned.Add(direct.Write);
                break;
            case VendorReply.Answer { Status: 300 or (>= 400 and < 500 and not 408) } no when no.Status == 300 || no.Body is JsonArray { Count: > 0 }:
                Refused(direct.Write, SalesforceErrors.Outcome(SalesforceError.Read(no.Status, no.Body), batch.Writes[direct.Write]));
                break;
            default:
                Failed(reply, [direct.Write], direct.Write);
                break;
        }
    }

    /// <summary>Takes what came of a conversion.</summary>
    public void Take(SalesforceRound.Convert convert, CrmOutcome outcome)
    {
        if (outcome is CrmOutcome.Done)
            Outcomes[convert.Write] = outcome;
        else
            Refused(convert.Write, outcome);
    }

    // What can be said of a write without a call.
    private bool Settle(int i, Dictionary<string, string> inChunk)
    {
        var write = batch.Writes[i];
        if (i > stopAt)
            Outcomes[i] = new CrmOutcome.NotTried();
        else if (refusedSteps.Contains(write.Step))
            Outcomes[i] = new CrmOutcome.NotTried();
        else if (write.References.Any(refusedSteps.Contains))
            Refused(i, new CrmOutcome.Refused(CrmCodes.InvalidReference, "the record that it refers to was refused"));
        else if (write.References.FirstOrDefault(s => !made.ContainsKey(s) && !inChunk.ContainsKey(s)) is { } nowhere)
            Refused(i, new CrmOutcome.Refused(CrmCodes.InvalidReference, $"the step {nowhere} has made no record"));
        else
            return false;
        return true;
    }

    private Prepared? Prepare(int i, Chunk chunk)
    {
        CrmOutcome.Refused? refused = null;
        Prepared? prepared = batch.Writes[i] switch
        {
            CreateRecord create => PrepareCreate(create, chunk, ref refused),
            UpdateRecord update => PrepareUpdate(update, chunk, ref refused),
            RemoveRecord remove => PrepareRemove(remove, ref refused),
            ConvertLead convert => PrepareConvert(i, convert, ref refused),
            var other => throw new InvalidOperationException($"unknown write {other.GetType().Name}"),
        };
        if (refused is null)
            return prepared;
        Refused(i, refused);
        return null;
    }

    private Prepared PrepareCreate(CreateRecord create, Chunk chunk, ref CrmOutcome.Refused? refused)
    {
        var given = new Dictionary<string, string?>(create.Fields.Select(f => KeyValuePair.Create(f.Key, (string?)f.Value)));
        if (create.Object is CrmObject.Lead or CrmObject.Contact)
            _ = given.TryAdd(CrmFields.LastName, null);
        if (create.Object == CrmObject.Lead)
            _ = given.TryAdd(CrmFields.Company, null);
        if (create.Object == CrmObject.Task)
            _ = given.TryAdd(CrmFields.Status, "Not Started");
        if (create.Object is CrmObject.Activity or CrmObject.Note)
        {
            given[CrmFields.Status] = "Completed";
            given[CrmFields.DueDate] = today.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        }
        if (given.Remove(CrmFields.Corrects, out var corrected))
            given[CrmFields.Body] = $"{given.GetValueOrDefault(CrmFields.Body)}\n\nCorrects: {corrected}".Trim();
        // A task of a lead can belong to nothing else: Salesforce refuses the second link.
        if (create.Object is CrmObject.Task or CrmObject.Activity or CrmObject.Note && given.ContainsKey(CrmFields.Lead))
        {
            foreach (var second in (string[])[CrmFields.Contact, CrmFields.Opportunity, CrmFields.Account, CrmFields.Campaign])
                _ = given.Remove(second);
        }
        var body = Body(create.Object, given, chunk, ref refused);
        if (create.RecordKey is { } key && SalesforceFields.HasKey(create.Object))
            body[options.Fields.Key] = key;
        var url = $"{root}/sobjects/{SalesforceFields.Name(create.Object)}/{options.Fields.Effect}/{Uri.EscapeDataString(SalesforceFields.EffectText(create.EffectKey))}";
        return HasReference(given) ? new Prepared.Direct(url, body, null) : new Prepared.InChunk("PATCH", url, body, null, 2, 0);
    }

    private Prepared? PrepareUpdate(UpdateRecord update, Chunk chunk, ref CrmOutcome.Refused? refused)
    {
        var body = Body(update.Object, update.Fields, chunk, ref refused);
        if (Known(update.Target, update.Object) is not { } id)
        {
            if (update.Target.Step is { } step && chunk.Made.TryGetValue(step, out var reference))
                return HasReference(update.Fields) ? new Prepared.Direct("", body, null) : new Prepared.InChunk("PATCH", $"{root}/sobjects/{SalesforceFields.Name(update.Object)}/@{{{reference}.id}}", body, null, 1, 0) { Record = "@" + step };
            refused ??= new(CrmCodes.NotFound, $"{update.Target} is not the id of a {update.Object}");
            return null;
        }
        var guard = Guard(update.Object, id, update.ExpectedVersion, ref refused);
        var url = $"{root}/sobjects/{SalesforceFields.Name(update.Object)}/{id}";
        return HasReference(update.Fields)
            ? new Prepared.Direct(url, body, guard)
            : new Prepared.InChunk("PATCH", url, body, guard, guard is null || chunk.Guards.ContainsKey(id) ? 2 : 3, guard is null || chunk.Guards.ContainsKey(id) ? 0 : 1) { Record = id };
    }

    private Prepared.InChunk? PrepareRemove(RemoveRecord remove, ref CrmOutcome.Refused? refused)
    {
        if (SalesforceIds.Normalise(remove.Id, remove.Object) is not { } id)
        {
            refused = new(CrmCodes.NotFound, $"{remove.Id} is not the id of a {remove.Object}");
            return null;
        }
        var guard = Guard(remove.Object, id, remove.ExpectedVersion, ref refused);
        var childless = remove.Object == CrmObject.Account ? Childless(id) : [];
        return new Prepared.InChunk("DELETE", $"{root}/sobjects/{SalesforceFields.Name(remove.Object)}/{id}", null, guard, 2 + childless.Count, (guard is null ? 0 : 1) + childless.Count) { Record = id, Childless = childless };
    }

    private Prepared.Convert? PrepareConvert(int i, ConvertLead convert, ref CrmOutcome.Refused? refused)
    {
        if (Known(convert.Lead, CrmObject.Lead) is { } lead && Known(convert.Account, CrmObject.Account) is { } account)
            return new Prepared.Convert(new SalesforceRound.Convert(i, convert, lead, account));
        // In a chunk that is being put together the records are still to come; after it they are known.
        if (convert.References.All(s => made.ContainsKey(s)))
            refused = new(CrmCodes.NotFound, "the lead or the account is not a record's id");
        return refused is null ? new Prepared.Convert(null) : null;
    }

    private SalesforceRound Alone(int i, Prepared prepared)
    {
        if (prepared is Prepared.Convert { Round: { } convert })
            return convert;
        var direct = (Prepared.Direct)prepared;
        if (direct.Guard is null || !guarded.Add(i))
            return new SalesforceRound.Direct(i, direct.Url, direct.Body);
        return new SalesforceRound.Composite([Part(PartKind.Guard, "g0", i, "GET", Query(direct.Guard), null)]);
    }

    private void Add(int i, Prepared.InChunk part, Chunk chunk)
    {
        var write = batch.Writes[i];
        var reference = string.Create(CultureInfo.InvariantCulture, $"w{i}");
        var url = part.Url;
        if (part.Guard is not null)
        {
            if (!chunk.Guards.TryGetValue(part.Record!, out var guard))
            {
                chunk.Guards[part.Record!] = guard = string.Create(CultureInfo.InvariantCulture, $"g{i}");
                chunk.Front.Add(Part(PartKind.Guard, guard, i, "GET", Query(part.Guard), null));
            }
            // The record's id comes out of the guard: without a row there is none, and the write falls.
            url = url.Replace(part.Record!, $"@{{{guard}.records[0].Id}}", StringComparison.Ordinal);
        }
        for (var c = 0; c < part.Childless.Count; c++)
        {
            // Each looks for what the one before has found, so that the deletion falls with any of them.
            var childless = string.Create(CultureInfo.InvariantCulture, $"c{i}_{c}");
            var found = url[(url.LastIndexOf('/') + 1)..];
            var query = Query(part.Childless[c]);
            var at = query.IndexOf(part.Record!, StringComparison.Ordinal);
            chunk.Middle.Add(Part(PartKind.Childless, childless, i, "GET", query[..at] + found + query[(at + part.Record!.Length)..], null));
            url = $"{root}/sobjects/{SalesforceFields.Name(write.Object)}/@{{{childless}.records[0].Id}}";
        }
        chunk.Middle.Add(Part(PartKind.Write, reference, i, part.Method, url, part.Body));
        if (write is CreateRecord)
            _ = chunk.Made.TryAdd(write.Step, reference);
        switch (write)
        {
            case RemoveRecord:
                _ = chunk.Touched.Remove(part.Record!);
                break;
            case UpdateRecord { Target.Step: { } step } when !made.ContainsKey(step):
                chunk.Touch("@" + chunk.Made[step], i, $"@{{{chunk.Made[step]}.id}}");
                break;
            case UpdateRecord:
                chunk.Touch(part.Record!, i, part.Record!);
                break;
            default:
                chunk.Touch("@" + reference, i, $"@{{{reference}.id}}");
                break;
        }
    }

    private SalesforceRound.Composite Compose(Chunk chunk)
    {
        var parts = new List<CompositePart>([.. chunk.Front, .. chunk.Middle]);
        if (readVersions)
        {
            foreach (var (i, id) in chunk.Touched.Values)
                parts.Add(VersionRead(i, id));
        }
        // What went alone before has no version yet; a composite has room for it, or one is made.
        foreach (var i in unversioned.Where(_ => parts.Count == 0).ToList())
            parts.Add(VersionRead(i, ((CrmOutcome.Done)Outcomes[i]!).RecordId));
        return new SalesforceRound.Composite(parts);
    }

    private CompositePart VersionRead(int i, string id) => Part(PartKind.Version, string.Create(CultureInfo.InvariantCulture, $"v{i}"), i, "GET",
        $"{root}/sobjects/{SalesforceFields.Name(batch.Writes[i].Object)}/{id}?fields=Id,LastModifiedDate,LastModifiedById", null);

    private JsonObject Body(CrmObject kind, IReadOnlyDictionary<string, string?> given, Chunk chunk, ref CrmOutcome.Refused? refused)
    {
        var body = new JsonObject();
        foreach (var (ours, value) in given)
        {
            if (ours == CrmFields.Stage && value is not null)
            {
                if (stage(value) is { } name)
                    body["StageName"] = name;
                else
                    refused ??= new(CrmCodes.InvalidStage, $"the org's sales process has no stage for '{value}'; set Salesforce:Stages:{value}");
                continue;
            }
            var (theirs, node, no) = fields.Write(kind, ours, value, (text, target) => Link(text, target, chunk));
            refused ??= no;
            if (theirs.Length > 0 && no is null)
                body[theirs] = node;
        }
        return body;
    }

    private string? Link(string text, CrmObject kind, Chunk chunk)
    {
        var target = RecordRef.Parse(text);
        return Known(target, kind) ?? (target.Step is { } step && chunk.Made.TryGetValue(step, out var reference) ? $"@{{{reference}.id}}" : null);
    }

    private string? Known(RecordRef target, CrmObject kind) =>
        target.Step is { } step ? made.GetValueOrDefault(step) : SalesforceIds.Normalise(target.Id, kind);

    /// <summary>
    /// Salesforce replaces <c>@{name.field}</c> in the values of a composite, too, and knows no escape for it. A lead whose own words have
    /// that in them must neither read another record's field nor bring the batch down, so such a write goes alone, where it is only text.
    /// </summary>
    private static bool HasReference(IReadOnlyDictionary<string, string?> given) =>
        given.Any(f => !CrmFields.IsLink(f.Key) && f.Value?.Contains("@{", StringComparison.Ordinal) == true);

    private string? Guard(CrmObject kind, string id, string? expected, ref CrmOutcome.Refused? refused)
    {
        // What an earlier composite of this batch has left is ours.
        var version = versions.TryGetValue(id, out var after) ? after : expected;
        if (version is null)
            return null;
        if (SalesforceFields.VersionCondition(version) is { } condition)
            return $"SELECT Id FROM {SalesforceFields.Name(kind)} WHERE Id = {SoqlEscaper.Literal(id)} AND {condition}";
        refused = new(CrmCodes.ChangedSince, "the record has another version than was expected");
        return null;
    }

    /// <summary>
    /// Salesforce deletes an account's contacts and opportunities with it. So the account is looked for once more right before it is deleted,
    /// on the condition that nobody belongs to it; two conditions of that kind are all that one query may have.
    /// </summary>
    private List<string> Childless(string id)
    {
        var literal = SoqlEscaper.Literal(id);
        var lookup = options.Fields.Account;
        return
        [
            $"SELECT Id FROM Account WHERE Id = {literal} AND Id NOT IN (SELECT AccountId FROM Contact WHERE AccountId = {literal}) AND Id NOT IN (SELECT AccountId FROM Opportunity WHERE AccountId = {literal})",
            $"SELECT Id FROM Account WHERE Id = {literal} AND Id NOT IN (SELECT {lookup} FROM Lead WHERE {lookup} = {literal})",
        ];
    }

    private string Query(string soql) => $"{root}/query?q={Uri.EscapeDataString(soql)}";

    private static CompositePart Part(PartKind kind, string reference, int write, string method, string url, JsonObject? body)
    {
        var request = new JsonObject { ["method"] = method, ["url"] = url, ["referenceId"] = reference };
        if (body is not null)
        {
            request["body"] = body;
            request["httpHeaders"] = new JsonObject(SalesforceCrm.WriteHeaders.Select(h => KeyValuePair.Create(h.Name, (JsonNode?)h.Value)));
        }
        return new CompositePart(kind, reference, write, request);
    }

    // Anything but an answer that tells of the single writes.
    private void Failed(VendorReply reply, List<int> writes, int first)
    {
        switch (reply)
        {
            case VendorReply.NotTaken none:
                Refused(first, new CrmOutcome.NotNow(none.Kind, none.Message, none.RetryAfter, none.Fault));
                break;
            case VendorReply.Lost lost:
                Lost(writes, first, lost.Message, lost.Fault);
                break;
            case VendorReply.Answer answer:
                var error = SalesforceError.Read(answer.Status, answer.Body);
                if (SalesforceErrors.MayBeTaken(answer.Status))
                    Lost(writes, first, SalesforceErrors.NotNow(error).Message, CrmFault.ServerError);
                else if (error.Code.Length == 0)
                    // An error page of something in between: nobody has looked at the request.
                    Refused(first, SalesforceErrors.NotNow(error) with { Kind = answer.Status == 429 ? NotNowKind.RateLimited : NotNowKind.Transient });
                else if (answer.Status is 403 or 404 or 429 or 503 || writes.Count == 0)
                    Refused(first, SalesforceErrors.NotNow(error));
                else
                    // The call itself was refused, before any of its parts was looked at; it would be refused for ever.
                    writes.ForEach(i => Refused(i, SalesforceErrors.Outcome(error, batch.Writes[i])));
                break;
        }
    }

    private static List<(CompositePart Part, int Status, JsonNode? Body)>? Answers(JsonNode? body, IReadOnlyList<CompositePart> parts)
    {
        if ((body as JsonObject)?["compositeResponse"] is not JsonArray array)
            return null;
        var byReference = array.OfType<JsonObject>().ToLookup(a => SalesforceFields.Text(a, "referenceId"));
        var answers = new List<(CompositePart, int, JsonNode?)>();
        foreach (var part in parts)
        {
            if (byReference[part.Reference].FirstOrDefault() is not { } answer || answer["httpStatusCode"] is not JsonValue value || !value.TryGetValue<int>(out var status))
                return null;
            answers.Add((part, status, answer["body"]));
        }
        return answers;
    }

    // One part failed, so nothing of the composite was written. Which one it was decides how it goes on.
    private void TakenBack(SalesforceRound.Composite composite, List<(CompositePart Part, int Status, JsonNode? Body)> answers, List<int> writes)
    {
        var errors = answers.Where(a => a.Status >= 300).Select(a => (a.Part, Error: SalesforceError.Read(a.Status, a.Body))).ToList();
        var cause = errors.Find(e => !e.Error.IsHalted);
        if (cause.Part is null)
        {
            // Every part fell with another one. Then a guard found nothing; the message of the part that needed it names it.
            var missing = errors.Select(e => e.Error.Message).FirstOrDefault(m => m.Contains("reference", StringComparison.OrdinalIgnoreCase) && m.Contains("No value for", StringComparison.OrdinalIgnoreCase));
            var named = composite.Parts.FirstOrDefault(p => missing?.Contains($" {p.Reference}.", StringComparison.Ordinal) == true);
            var guard = named ?? composite.Parts.FirstOrDefault(p => p.Kind is PartKind.Guard or PartKind.Childless);
            if (named is { Kind: PartKind.Write })
                // It was answered without one record's id: several carry its key.
                Refused(named.Write, SalesforceErrors.Outcome(new SalesforceError(300, "", "", [], []), batch.Writes[named.Write]));
            else if (guard is null)
                Lost(writes, composite.Parts[0].Write, "the CRM took the batch back and did not say why");
            else
                Refused(guard.Write, Missing(guard));
        }
        else if (cause.Part.Kind == PartKind.Version)
        {
            // Not worth a batch: what is written counts.
            readVersions = false;
            unversioned.Clear();
        }
        else if (cause.Part.Kind != PartKind.Write)
        {
            Refused(cause.Part.Write, SalesforceErrors.NotNow(cause.Error));
        }
        else
        {
            Refused(cause.Part.Write, SalesforceErrors.Outcome(cause.Error, batch.Writes[cause.Part.Write]));
        }
    }

    private static CrmOutcome.Refused Missing(CompositePart guard) => guard.Kind == PartKind.Childless
        ? new(CrmCodes.Permanent, "other records belong to the account by now")
        : new(CrmCodes.ChangedSince, "the record was changed meanwhile");

    private void Done(SalesforceRound.Composite composite, List<(CompositePart Part, int Status, JsonNode? Body)> answers, string? me)
    {
        foreach (var (part, _, body) in answers.Where(a => a.Part.Kind is PartKind.Guard or PartKind.Childless))
        {
            // A guard that travels alone has nothing that falls with it.
            if ((body as JsonObject)?["records"] is JsonArray { Count: 0 })
            {
                Refused(part.Write, Missing(part));
                return;
            }
        }
        foreach (var (part, status, body) in answers.Where(a => a.Part.Kind == PartKind.Write))
            Succeed(part.Write, status, body);
        foreach (var (part, _, body) in answers.Where(a => a.Part.Kind == PartKind.Version))
        {
            if (body is not JsonObject row || Outcomes[part.Write] is not CrmOutcome.Done done)
                continue;
            // Changed by somebody else between our write and this look: it is not ours any more, and no version that we know.
            var version = me is null || SalesforceIds.Normalise(SalesforceFields.Text(row, "LastModifiedById"), CrmObject.User) == me ? SalesforceFields.Version(row) : null;
            versions[done.RecordId] = version;
            for (var i = 0; i < Outcomes.Length; i++)
            {
                if (Outcomes[i] is CrmOutcome.Done { Version: null } other && other.RecordId == done.RecordId && batch.Writes[i] is not RemoveRecord)
                    Outcomes[i] = other with { Version = version };
            }
        }
    }

    private void Succeed(int i, int status, JsonNode? body)
    {
        var write = batch.Writes[i];
        if (status == 300)
        {
            Refused(i, SalesforceErrors.Outcome(new SalesforceError(300, "", "", [], []), write));
            return;
        }
        var id = write switch
        {
            UpdateRecord update => Known(update.Target, update.Object),
            RemoveRecord remove => SalesforceIds.Normalise(remove.Id, remove.Object),
            _ => body is JsonObject answer ? SalesforceIds.Normalise(SalesforceFields.Text(answer, "id"), write.Object) : null,
        };
        if (id is null)
        {
            Outcomes[i] = new CrmOutcome.Unknown("the CRM's answer names no record");
            stopAt = Math.Min(stopAt, i);
            return;
        }
        if (write is CreateRecord)
            _ = made.TryAdd(write.Step, id);
        var replayed = write is CreateRecord && body is JsonObject given && given["created"] is JsonValue created && created.TryGetValue<bool>(out var isNew) && !isNew;
        Outcomes[i] = new CrmOutcome.Done(id, Version: null, replayed);
    }

    private void Refused(int i, CrmOutcome outcome)
    {
        Outcomes[i] = outcome;
        if (outcome is CrmOutcome.Refused { Code: not CrmCodes.ChangedSince })
        {
            _ = refusedSteps.Add(batch.Writes[i].Step);
            if (batch.StopAtRefusal.Contains(batch.Writes[i].Step))
                stopAt = Math.Min(stopAt, i);
            return;
        }
        // Not now, or not as it was: what has not been written waits for the next look.
        for (var k = 0; k < Outcomes.Length; k++)
            Outcomes[k] ??= new CrmOutcome.NotTried();
    }

    private void Lost(List<int> writes, int first, string message, CrmFault fault = CrmFault.Unknown)
    {
        if (writes.Count == 0)
        {
            Refused(first, new CrmOutcome.NotNow(NotNowKind.Transient, message, Fault: fault));
            return;
        }
        foreach (var i in writes)
            Outcomes[i] = new CrmOutcome.Unknown(message, fault);
        for (var k = 0; k < Outcomes.Length; k++)
            Outcomes[k] ??= new CrmOutcome.NotTried();
    }

    private void Stop(CrmOutcome.NotNow notNow)
    {
        var first = Array.FindIndex(Outcomes, o => o is null);
        if (first >= 0)
            Refused(first, notNow);
    }

    /// <summary>A write that is ready to be sent. A closed family.</summary>
    private abstract record Prepared
    {
        /// <summary>As part of a composite.</summary>
        public sealed record InChunk(string Method, string Url, JsonObject? Body, string? Guard, int Cost, int Queries) : Prepared
        {
            public string? Record { get; init; }
            public List<string> Childless { get; init; } = [];
        }

        /// <summary>As a call of its own.</summary>
        public sealed record Direct(string Url, JsonObject Body, string? Guard) : Prepared;

        /// <summary>As a conversion; null while its records are still to come.</summary>
        public sealed record Convert(SalesforceRound.Convert? Round) : Prepared;
    }

    /// <summary>A composite that is being put together.</summary>
    private sealed class Chunk
    {
        public List<CompositePart> Front { get; } = [];
        public List<CompositePart> Middle { get; } = [];
        public Dictionary<string, string> Made { get; } = [];
        public Dictionary<string, string> Guards { get; } = [];
        public Dictionary<string, (int Write, string Id)> Touched { get; } = [];

        public int Parts => Front.Count + Middle.Count + Touched.Count;

        public int Queries => Front.Count + Middle.Count(p => p.Kind == PartKind.Childless);

        public void Touch(string record, int write, string id) => _ = Touched.TryAdd(record, (write, id));
    }
}
