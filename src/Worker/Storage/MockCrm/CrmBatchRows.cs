using System.Globalization;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Worker.Storage.MockCrm;

/// <summary>One lead's writes while they are applied.</summary>
internal sealed class CrmBatchRows(CrmBatch batch, DateTimeOffset now)
{
    private readonly Dictionary<string, CrmRow> targets = [], created = [];
    private readonly Dictionary<string, string> idOfStep = [];
    private readonly HashSet<CrmRow> changed = [];
    private readonly Dictionary<CrmRow, Dictionary<string, string>> asFound = [];
    private readonly CrmRow?[] rowOfWrite = new CrmRow?[batch.Writes.Count];
    private readonly HashSet<int> replayed = [];
    private readonly Dictionary<int, CrmRow> contacts = [];
    private readonly HashSet<string> refusedSteps = [];

    public bool Removes => batch.Writes.Any(w => w is RemoveRecord);

    public CrmOutcome[] Outcomes { get; } = new CrmOutcome[batch.Writes.Count];

    public IEnumerable<(CrmObject Object, string Id)> Targets() => batch.Writes.SelectMany<CrmWrite, (CrmObject, string)>(w => w switch
    {
        UpdateRecord { Target.Id: { } id } => [(w.Object, id)],
        RemoveRecord remove => [(w.Object, remove.Id)],
        ConvertLead { Lead.Id: { } id } => [(CrmObject.Lead, id)],
        _ => [],
    });

    public void Take(Dictionary<string, CrmRow> rows)
    {
        foreach (var (_, id) in Targets())
        {
            // A copy for each batch: what one batch writes is no business of another until it is stored.
            if (rows.TryGetValue(id, out var row) && !targets.ContainsKey(id))
                asFound[targets[id] = row.Copy()] = row.Fields;
        }
    }

    /// <summary>Links to records of a kind that are there, or should be, before this batch.</summary>
    public IEnumerable<(int Write, string Id)> Links(CrmObject kind)
    {
        var field = kind switch
        {
            CrmObject.Lead => CrmFields.Lead,
            CrmObject.Account => CrmFields.Account,
            CrmObject.Contact => CrmFields.Contact,
            CrmObject.Opportunity => CrmFields.Opportunity,
            _ => CrmFields.Campaign,
        };
        for (var i = 0; i < batch.Writes.Count; i++)
        {
            var value = batch.Writes[i] switch
            {
                CreateRecord create => create.Fields.GetValueOrDefault(field),
                UpdateRecord update => update.Fields.GetValueOrDefault(field),
                ConvertLead convert when kind == CrmObject.Account => convert.Account.ToString(),
                _ => null,
            };
            if (!string.IsNullOrEmpty(value) && RecordRef.Parse(value).Id is { } id)
                yield return (i, id);
        }
    }

    /// <summary>Refuses the writes that link to a record which is not there.</summary>
    public void RefuseLinks(CrmObject kind, HashSet<string> there)
    {
        foreach (var (i, id) in Links(kind).Where(l => !there.Contains(l.Id)))
            Outcomes[i] = new CrmOutcome.Refused(CrmCodes.InvalidReference, $"there is no {kind} {id}");
    }

    /// <summary>Brings every write onto its row, in order, in memory.</summary>
    public void Apply()
    {
        for (var i = 0; i < batch.Writes.Count; i++)
        {
            if (Outcomes[i] is CrmOutcome.Refused refused)
                RefuseStep(i, refused);
            else if (Outcomes[i] is null && batch.Writes[i].References.Any(refusedSteps.Contains))
                RefuseStep(i, new CrmOutcome.Refused(CrmCodes.InvalidReference, "the record that it refers to was refused"));
            if (Outcomes[i] is not null)
                continue;
            switch (batch.Writes[i])
            {
                case CreateRecord create:
                    var id = RecordIds.For(create.Object, create.EffectKey);
                    idOfStep.TryAdd(create.Step, id);
                    rowOfWrite[i] = created[create.Step + "/" + create.EffectKey] = new CrmRow
                    {
                        Object = create.Object,
                        Id = id,
                        RecordKey = create.RecordKey,
                        EffectKey = create.EffectKey,
                        Fields = new(create.Fields),
                        CreatedAt = now,
                        UpdatedAt = now,
                    };
                    asFound[rowOfWrite[i]!] = create.Fields.ToDictionary();
                    break;
                case UpdateRecord update:
                    Update(i, update);
                    break;
                case ConvertLead convert:
                    Convert(i, convert);
                    break;
                case RemoveRecord remove:
                    Remove(i, remove);
                    break;
            }
        }
    }

    public IEnumerable<(CrmBatchRows Batch, string Step, CrmRow Row)> New(CrmObject kind)
    {
        for (var i = 0; i < rowOfWrite.Length; i++)
        {
            if (batch.Writes[i] is CreateRecord create && create.Object == kind && rowOfWrite[i] is { } row && Outcomes[i] is null)
                yield return (this, create.Step, row);
        }
    }

    /// <summary>The contacts that leads became, of the conversions that went through.</summary>
    public IEnumerable<(CrmBatchRows Batch, string Step, CrmRow Row)> Converted() =>
        contacts.Where(c => Outcomes[c.Key] is null).Select(c => (this, batch.Writes[c.Key].Step, c.Value));

    public IEnumerable<(CrmBatchRows Batch, CrmRow Row)> Changed(CrmObject kind, bool removals)
    {
        foreach (var row in changed)
        {
            if (row.Object == kind && row.RemovedAt is not null == removals && IsOpen(row))
                yield return (this, row);
        }
    }

    /// <summary>Replaces references to steps of this batch by the ids that they have got.</summary>
    public void Link(CrmRow row)
    {
        foreach (var (field, value) in row.Fields.Where(f => CrmFields.IsLink(f.Key)).ToList())
        {
            if (RecordRef.Parse(value).Step is { } step && idOfStep.TryGetValue(step, out var id))
                row.Fields[field] = id;
        }
    }

    /// <summary>The record is there already: this step's answer is the first one's, and what later steps wrote goes to it.</summary>
    public void Replay(string step, CrmRow found)
    {
        idOfStep[step] = found.Id;
        for (var i = 0; i < rowOfWrite.Length; i++)
        {
            if (rowOfWrite[i]?.EffectKey != found.EffectKey)
                continue;
            if (batch.Writes[i] is CreateRecord)
            {
                rowOfWrite[i] = found;
                _ = replayed.Add(i);
            }
            else
            {
                // The merged fields did not go in with the new row; the caller reads again and decides anew.
                StopFrom(i, new CrmOutcome.Refused(CrmCodes.ChangedSince, "the record was there already"));
                return;
            }
        }
    }

    /// <summary>Ends the batch at a step: it and all that follows are not written, not even what was to go into the row of an earlier step.</summary>
    public void Stop(string step, CrmOutcome outcome)
    {
        StopFrom(batch.Writes.ToList().FindIndex(w => w.Step == step), outcome);
        foreach (var row in created.Values.Concat(targets.Values))
        {
            row.Fields = new(asFound[row]);
            for (var i = 0; i < rowOfWrite.Length; i++)
            {
                if (ReferenceEquals(rowOfWrite[i], row) && Outcomes[i] is null && batch.Writes[i] is UpdateRecord update)
                    Write(row, update);
            }
        }
    }

    /// <summary>The writes that went into one row did not succeed.</summary>
    public void Refuse(CrmRow row, CrmOutcome outcome)
    {
        for (var i = 0; i < rowOfWrite.Length; i++)
        {
            if (ReferenceEquals(rowOfWrite[i], row))
                Outcomes[i] = outcome;
        }
    }

    public void Finish()
    {
        for (var i = 0; i < Outcomes.Length; i++)
        {
            Outcomes[i] ??= rowOfWrite[i] is { } row
                ? new CrmOutcome.Done(row.Id, row.Version.ToString(CultureInfo.InvariantCulture), replayed.Contains(i), Data(i, row))
                : new CrmOutcome.NotTried();
        }
    }

    private Dictionary<string, string>? Data(int i, CrmRow row) => batch.Writes[i] is not ConvertLead ? null : new()
    {
        [CrmFields.ConvertedContact] = row.Fields[CrmFields.ConvertedContact],
        [CrmFields.ConvertedAccount] = row.Fields[CrmFields.ConvertedAccount],
    };

    private bool IsOpen(CrmRow row)
    {
        for (var i = 0; i < rowOfWrite.Length; i++)
        {
            if (ReferenceEquals(rowOfWrite[i], row) && Outcomes[i] is null)
                return true;
        }
        return false;
    }

    private void Update(int i, UpdateRecord update)
    {
        if (Find(i, update.Target, update.ExpectedVersion) is not { } row)
            return;
        Write(row, update);
        rowOfWrite[i] = row;
        Touch(row);
    }

    private static void Write(CrmRow row, UpdateRecord update)
    {
        foreach (var (field, value) in update.Fields)
        {
            if (string.IsNullOrEmpty(value))
                _ = row.Fields.Remove(field);
            else
                row.Fields[field] = value;
        }
    }

    private void Convert(int i, ConvertLead convert)
    {
        var contact = RecordIds.For(CrmObject.Contact, convert.EffectKey);
        if (convert.Lead.Id is { } id && targets.TryGetValue(id, out var done) && done.Fields.GetValueOrDefault(CrmFields.ConvertedContact) == contact)
        {
            // The same conversion again, whatever version its caller has seen: the first answer.
            rowOfWrite[i] = done;
            _ = replayed.Add(i);
            return;
        }
        if (Find(i, convert.Lead, convert.ExpectedVersion) is not { } row)
            return;
        if (row.Fields.ContainsKey(CrmFields.ConvertedContact))
        {
            RefuseStep(i, new CrmOutcome.Refused(CrmCodes.NotConvertible, "the lead is converted already"));
            return;
        }
        var account = convert.Account.Id ?? idOfStep.GetValueOrDefault(convert.Account.Step!);
        if (account is null)
        {
            RefuseStep(i, new CrmOutcome.Refused(CrmCodes.InvalidReference, "the account is not in the CRM"));
            return;
        }
        var fields = new Dictionary<string, string> { [CrmFields.Account] = account };
        foreach (var field in (ReadOnlySpan<string>)[CrmFields.Email, CrmFields.FirstName, CrmFields.LastName, CrmFields.Title, CrmFields.Phone, CrmFields.Owner])
        {
            if (row.Fields.TryGetValue(field, out var value))
                fields[field] = value;
        }
        if (convert.Owner is { } owner)
            fields[CrmFields.Owner] = owner;
        contacts[i] = new CrmRow { Object = CrmObject.Contact, Id = contact, EffectKey = convert.EffectKey, Fields = fields, CreatedAt = now, UpdatedAt = now };
        row.Fields[CrmFields.Status] = CrmValues.Converted;
        row.Fields[CrmFields.ConvertedContact] = contact;
        row.Fields[CrmFields.ConvertedAccount] = account;
        rowOfWrite[i] = row;
        Touch(row);
    }

    /// <summary>The row that a write is about; null when the write is refused, because there is none or because it is not as expected.</summary>
    private CrmRow? Find(int i, RecordRef target, string? expectedVersion)
    {
        var row = target.Id is { } id
            ? targets.GetValueOrDefault(id)
            : Array.Find(rowOfWrite, r => r is not null && idOfStep.TryGetValue(target.Step!, out var made) && r.Id == made);
        if (row is null)
        {
            RefuseStep(i, new CrmOutcome.Refused(CrmCodes.NotFound, "the record is not in the CRM"));
            return null;
        }
        var original = changed.Contains(row) ? row.Version - 1 : row.Version;
        if (expectedVersion is not null && expectedVersion != original.ToString(CultureInfo.InvariantCulture))
        {
            StopFrom(i, new CrmOutcome.Refused(CrmCodes.ChangedSince, "the record was changed meanwhile"));
            return null;
        }
        return row;
    }

    private void Remove(int i, RemoveRecord remove)
    {
        if (Find(i, new RecordRef(remove.Id, null), remove.ExpectedVersion) is not { } row)
            return;
        row.RemovedAt = now;
        // The key is free again: the person may come back as a new lead.
        row.RecordKey = null;
        rowOfWrite[i] = row;
        Touch(row);
    }

    private void Touch(CrmRow row)
    {
        if (created.ContainsValue(row) || !changed.Add(row))
            return;
        row.Version++;
        row.UpdatedAt = now;
    }

    /// <summary>A refusal ends the batch only at a critical step.</summary>
    private void RefuseStep(int i, CrmOutcome.Refused refused)
    {
        if (batch.StopAtRefusal.Contains(batch.Writes[i].Step))
            StopFrom(i, refused);
        else
            Outcomes[i] = refused;
        _ = refusedSteps.Add(batch.Writes[i].Step);
    }

    private void StopFrom(int index, CrmOutcome outcome)
    {
        Outcomes[index] = outcome;
        for (var i = index + 1; i < Outcomes.Length; i++)
            Outcomes[i] = new CrmOutcome.NotTried();
    }
}
