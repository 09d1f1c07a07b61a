using System.Globalization;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Storage;

/// <summary>
/// Applies the batches of many leads inside one transaction, table by table. Changes to one record within a batch become one row; a batch
/// whose record turns out to exist already, or to have changed, stops there and takes no other batch with it.
/// </summary>
internal sealed class CrmWriter
{
    private readonly SqlSession session;
    private readonly DateTimeOffset now;
    private readonly List<Batch> batches;

    private readonly IReadOnlyCollection<CrmObject> checkedLinks;

    /// <param name="session">An open transaction.</param>
    /// <param name="batches">What to write.</param>
    /// <param name="now">The time.</param>
    /// <param name="careful">Look at every link first, and refuse the writes whose link leads nowhere, instead of failing on the foreign key.</param>
    public CrmWriter(SqlSession session, IReadOnlyList<CrmBatch> batches, DateTimeOffset now, bool careful = false)
    {
        (this.session, this.now) = (session, now);
        // Accounts always: one that was withdrawn with another lead's plan since we read it is still a row to the foreign key.
        checkedLinks = careful ? [CrmObject.Lead, CrmObject.Account, CrmObject.Opportunity, CrmObject.Campaign] : [CrmObject.Account];
        this.batches = [.. batches.Select(b => new Batch(b, now))];
        Outcomes = [.. this.batches.Select(b => (IReadOnlyList<CrmOutcome>)b.Outcomes)];
    }

    /// <summary>One list a batch, one outcome a write.</summary>
    public IReadOnlyList<IReadOnlyList<CrmOutcome>> Outcomes { get; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await LoadTargetsAsync(cancellationToken);
        await CheckLinksAsync(cancellationToken);
        foreach (var batch in batches)
            batch.Apply();
        foreach (var kind in CrmTables.InOrder)
            await InsertAsync(kind, cancellationToken);
        foreach (var kind in CrmTables.InOrder)
            await UpdateAsync(kind, removals: false, cancellationToken);
        // Children first: an account may be withdrawn only when no lead is left in it.
        foreach (var kind in CrmTables.InOrder.Reverse())
            await UpdateAsync(kind, removals: true, cancellationToken);
        foreach (var batch in batches)
            batch.Finish();
    }

    private async Task LoadTargetsAsync(CancellationToken cancellationToken)
    {
        foreach (var kind in batches.SelectMany(b => b.Targets()).GroupBy(t => t.Object, t => t.Id).ToList())
        {
            var rows = (await CrmTables.SelectAsync(session, kind.Key, "{in:id}", "", cancellationToken, ("id", kind.Distinct().ToArray())))
                .ToDictionary(r => r.Id);
            foreach (var batch in batches)
                batch.Take(rows);
        }
    }

    private async Task CheckLinksAsync(CancellationToken cancellationToken)
    {
        foreach (var kind in checkedLinks)
        {
            var ids = batches.SelectMany(b => b.Links(kind)).Select(l => l.Id).Distinct().ToArray();
            if (ids.Length == 0)
                continue;
            var there = (await CrmTables.SelectAsync(session, kind, "{in:id}", "", cancellationToken, ("id", ids))).Select(r => r.Id).ToHashSet();
            foreach (var batch in batches)
                batch.RefuseLinks(kind, there);
        }
    }

    private async Task InsertAsync(CrmObject kind, CancellationToken cancellationToken)
    {
        var rows = batches.SelectMany(b => b.New(kind)).ToList();
        if (rows.Count == 0)
            return;
        // Two batches of one group may create the same account: the later one has lost, as if it had come a moment later.
        var first = rows.DistinctBy(r => r.Row.RecordKey ?? r.Row.Id).DistinctBy(r => r.Row.Id).ToList();
        foreach (var (batch, step, row) in first)
            batch.Link(row);
        var added = await session.InsertAsync(CrmTables.Insert(kind), first.ConvertAll(r => CrmTables.InsertRow(r.Row)), cancellationToken);
        var missing = rows.Where(r => !first.Contains(r) || !added.Contains(r.Row.Id)).ToList();
        if (missing.Count == 0)
            return;
        var existing = (await CrmTables.SelectAsync(session, kind, "{in:effect_key}", "", cancellationToken, ("effect_key", missing.Select(r => r.Row.EffectKey!).ToArray())))
            .ToDictionary(r => r.EffectKey!);
        foreach (var (batch, step, row) in missing)
        {
            if (existing.TryGetValue(row.EffectKey!, out var found))
                batch.Replay(step, found);
            else
                batch.Stop(step, new CrmOutcome.Refused(CrmCodes.ChangedSince, $"a {kind} with this key is there by now"));
        }
    }

    private async Task UpdateAsync(CrmObject kind, bool removals, CancellationToken cancellationToken)
    {
        var rows = batches.SelectMany(b => b.Changed(kind, removals)).ToList();
        if (rows.Count == 0)
            return;
        if (removals && kind == CrmObject.Account)
        {
            var ids = rows.Select(r => r.Row.Id).ToArray();
            var used = new HashSet<string?>();
            foreach (var user in (CrmObject[])[CrmObject.Lead, CrmObject.Contact, CrmObject.Opportunity])
                used.UnionWith((await CrmTables.SelectAsync(session, user, "{in:account_id}", "", cancellationToken, ("account_id", ids))).Select(r => r.Fields.GetValueOrDefault(CrmFields.Account)));
            foreach (var row in rows.Where(r => used.Contains(r.Row.Id)))
                row.Batch.Refuse(row.Row, new CrmOutcome.Refused(CrmCodes.Permanent, "other records belong to the account by now"));
            rows.RemoveAll(r => used.Contains(r.Row.Id));
        }
        if (rows.Count == 0)
            return;
        foreach (var (batch, row) in rows)
            batch.Link(row);
        // Two batches of one group may change the same record: the later one has lost, as if it had come a moment later.
        var first = rows.DistinctBy(r => r.Row.Id).ToList();
        var changed = await session.UpdateAsync(CrmTables.Update(kind), first.ConvertAll(r => CrmTables.UpdateRow(r.Row, r.Row.Version - 1)), cancellationToken);
        foreach (var (batch, row) in rows.Where(r => !first.Contains(r) || !changed.Contains(r.Row.Id)))
            batch.Refuse(row, new CrmOutcome.Refused(CrmCodes.ChangedSince, "the record was changed meanwhile"));
    }

    /// <summary>One lead's writes while they are applied.</summary>
    private sealed class Batch(CrmBatch batch, DateTimeOffset now)
    {
        private readonly Dictionary<string, CrmRow> targets = [], created = [];
        private readonly Dictionary<string, string> idOfStep = [];
        private readonly HashSet<CrmRow> changed = [];
        private readonly CrmRow?[] rowOfWrite = new CrmRow?[batch.Writes.Count];
        private readonly HashSet<int> replayed = [];
        private readonly HashSet<string> refusedSteps = [];

        public CrmOutcome[] Outcomes { get; } = new CrmOutcome[batch.Writes.Count];

        public IEnumerable<(CrmObject Object, string Id)> Targets() => batch.Writes.SelectMany<CrmWrite, (CrmObject, string)>(w => w switch
        {
            UpdateRecord { Target.Id: { } id } => [(w.Object, id)],
            RemoveRecord remove => [(w.Object, remove.Id)],
            _ => [],
        });

        public void Take(Dictionary<string, CrmRow> rows)
        {
            foreach (var (_, id) in Targets())
            {
                // A copy for each batch: what one batch writes is no business of another until it is stored.
                if (rows.TryGetValue(id, out var row) && !targets.ContainsKey(id))
                    targets[id] = row.Copy();
            }
        }

        /// <summary>Links to records of a kind that are there, or should be, before this batch.</summary>
        public IEnumerable<(int Write, string Id)> Links(CrmObject kind)
        {
            var field = kind switch { CrmObject.Lead => CrmFields.Lead, CrmObject.Account => CrmFields.Account, CrmObject.Opportunity => CrmFields.Opportunity, _ => CrmFields.Campaign };
            for (var i = 0; i < batch.Writes.Count; i++)
            {
                var value = batch.Writes[i] switch
                {
                    CreateRecord create => create.Fields.GetValueOrDefault(field),
                    UpdateRecord update => update.Fields.GetValueOrDefault(field),
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
                        break;
                    case UpdateRecord update:
                        Update(i, update);
                        break;
                    case RemoveRecord remove:
                        Remove(i, remove);
                        break;
                }
            }
        }

        public IEnumerable<(Batch Batch, string Step, CrmRow Row)> New(CrmObject kind)
        {
            for (var i = 0; i < rowOfWrite.Length; i++)
            {
                if (batch.Writes[i] is CreateRecord create && create.Object == kind && rowOfWrite[i] is { } row && Outcomes[i] is null)
                    yield return (this, create.Step, row);
            }
        }

        public IEnumerable<(Batch Batch, CrmRow Row)> Changed(CrmObject kind, bool removals) =>
            changed.Where(r => r.Object == kind && r.RemovedAt is not null == removals && IsOpen(r)).Select(r => (this, r));

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

        /// <summary>Ends the batch at a step: it and all that follows are not written.</summary>
        public void Stop(string step, CrmOutcome outcome) => StopFrom(batch.Writes.ToList().FindIndex(w => w.Step == step), outcome);

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
                    ? new CrmOutcome.Done(row.Id, row.Version.ToString(CultureInfo.InvariantCulture), replayed.Contains(i))
                    : new CrmOutcome.NotTried();
            }
        }

        private bool IsOpen(CrmRow row) => Enumerable.Range(0, rowOfWrite.Length).Any(i => ReferenceEquals(rowOfWrite[i], row) && Outcomes[i] is null);

        private void Update(int i, UpdateRecord update)
        {
            var row = update.Target.Id is { } id
                ? targets.GetValueOrDefault(id)
                : Array.Find(rowOfWrite, r => r is not null && idOfStep.TryGetValue(update.Target.Step!, out var made) && r.Id == made);
            if (row is null)
            {
                RefuseStep(i, new CrmOutcome.Refused(CrmCodes.NotFound, "the record is not in the CRM"));
                return;
            }
            var original = changed.Contains(row) ? row.Version - 1 : row.Version;
            if (update.ExpectedVersion is { } expected && expected != original.ToString(CultureInfo.InvariantCulture))
            {
                StopFrom(i, new CrmOutcome.Refused(CrmCodes.ChangedSince, "the record was changed meanwhile"));
                return;
            }
            foreach (var (field, value) in update.Fields)
            {
                if (string.IsNullOrEmpty(value))
                    _ = row.Fields.Remove(field);
                else
                    row.Fields[field] = value;
            }
            rowOfWrite[i] = row;
            Touch(row);
        }

        private void Remove(int i, RemoveRecord remove)
        {
            if (!targets.TryGetValue(remove.Id, out var row))
            {
                RefuseStep(i, new CrmOutcome.Refused(CrmCodes.NotFound, "the record is not in the CRM"));
                return;
            }
            var original = changed.Contains(row) ? row.Version - 1 : row.Version;
            if (remove.ExpectedVersion is { } expected && expected != original.ToString(CultureInfo.InvariantCulture))
            {
                StopFrom(i, new CrmOutcome.Refused(CrmCodes.ChangedSince, "the record was changed meanwhile"));
                return;
            }
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
}
