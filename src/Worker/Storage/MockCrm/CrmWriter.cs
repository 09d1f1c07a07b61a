using System.Globalization;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Storage.MockCrm;

/// <summary>
/// Applies the batches of many leads inside one transaction, table by table. Changes to one record within a batch become one row; a batch
/// whose record turns out to exist already, or to have changed, stops there and takes no other batch with it.
/// </summary>
internal sealed class CrmWriter
{
    private readonly SqlSession session;
    private readonly DateTimeOffset now;
    private readonly List<CrmBatchRows> batches;

    private readonly IReadOnlyCollection<CrmObject> checkedLinks;

    /// <param name="session">An open transaction.</param>
    /// <param name="batches">What to write.</param>
    /// <param name="now">The time.</param>
    /// <param name="careful">Look at every link first, and refuse the writes whose link leads nowhere, instead of failing on the foreign key.</param>
    public CrmWriter(SqlSession session, IReadOnlyList<CrmBatch> batches, DateTimeOffset now, bool careful = false)
    {
        (this.session, this.now) = (session, now);
        // Accounts always: one that was withdrawn with another lead's plan since we read it is still a row to the foreign key.
        checkedLinks = careful ? [CrmObject.Lead, CrmObject.Account, CrmObject.Contact, CrmObject.Opportunity, CrmObject.Campaign] : [CrmObject.Account];
        this.batches = [.. batches.Select(b => new CrmBatchRows(b, now))];
        Outcomes = [.. this.batches.Select(b => (IReadOnlyList<CrmOutcome>)b.Outcomes)];
    }

    /// <summary>One list a batch, one outcome a write.</summary>
    public IReadOnlyList<IReadOnlyList<CrmOutcome>> Outcomes { get; }

    /// <summary>
    /// Nearly always every row goes in as it is meant to. So all of them make one trip that supposes so, and the log with them; false when one did not: then
    /// the transaction is to be undone, and another writer takes the tables one by one.
    /// </summary>
    public async Task<bool> TryTogetherAsync(Action<SqlBatch> log, CancellationToken cancellationToken)
    {
        // What is withdrawn depends on who works with it; that is looked up in between.
        if (batches.Any(b => b.Removes))
            return false;
        await PrepareAsync(cancellationToken);
        var trip = session.Batch();
        var changes = new List<(Task<HashSet<object>> Held, int Rows)>();
        foreach (var kind in CrmTables.InOrder)
        {
            if (!Add(kind, [.. batches.SelectMany(b => b.New(kind)).Select(r => (r.Batch, r.Row))]))
                return false;
        }
        foreach (var kind in CrmTables.InOrder)
        {
            List<(CrmBatchRows Batch, CrmRow Row)> rows = [.. batches.SelectMany(b => b.Changed(kind, removals: false))];
            if (!Link(rows))
                return false;
            changes.Add((trip.UpdateAsync(CrmTables.Update(kind), rows.ConvertAll(r => CrmTables.UpdateRow(r.Row, r.Row.Version - 1))), rows.Count));
        }
        if (!Add(CrmObject.Contact, [.. batches.SelectMany(b => b.Converted()).Select(r => (r.Batch, r.Row))]))
            return false;
        foreach (var batch in batches)
            batch.Finish();
        log(trip);
        try
        {
            await trip.RunAsync(cancellationToken);
        }
        catch (DuplicateRowException)
        {
            return false;
        }
        foreach (var (held, rows) in changes)
        {
            if ((await held).Count < rows)
                return false;
        }
        return true;

        bool Add(CrmObject kind, List<(CrmBatchRows Batch, CrmRow Row)> rows)
        {
            var apart = Link(rows);
            trip.Add(CrmTables.Insert(kind), rows.ConvertAll(r => CrmTables.InsertRow(r.Row)));
            return apart;
        }

        // False when two of them are one record.
        static bool Link(List<(CrmBatchRows Batch, CrmRow Row)> rows)
        {
            foreach (var (batch, row) in rows)
                batch.Link(row);
            return rows.DistinctBy(r => r.Row.RecordKey ?? r.Row.Id).DistinctBy(r => r.Row.Id).Count() == rows.Count;
        }
    }

    /// <summary>Table by table, so that each row that does not go in stops its own batch.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await PrepareAsync(cancellationToken);
        foreach (var kind in CrmTables.InOrder)
            await InsertAsync(b => b.New(kind), kind, cancellationToken);
        foreach (var kind in CrmTables.InOrder)
            await UpdateAsync(kind, removals: false, cancellationToken);
        // After the leads they come from: a lead that turns out to have changed meanwhile must leave no contact behind.
        await InsertAsync(b => b.Converted(), CrmObject.Contact, cancellationToken);
        // Children first: an account may be withdrawn only when no lead is left in it.
        foreach (var kind in CrmTables.InOrder.Reverse())
            await UpdateAsync(kind, removals: true, cancellationToken);
        foreach (var batch in batches)
            batch.Finish();
    }

    /// <summary>Reads what is written to and linked to, and brings every write onto its row.</summary>
    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        var trip = session.Batch();
        var targets = batches.SelectMany(b => b.Targets()).GroupBy(t => t.Object, t => t.Id)
            .Select(kind => CrmTables.SelectAsync(trip, session, kind.Key, "{in:id}", ("id", kind.Distinct().ToArray()))).ToList();
        var links = new List<(CrmObject Kind, Task<List<CrmRow>> There)>();
        foreach (var kind in checkedLinks)
        {
            if (batches.SelectMany(b => b.Links(kind)).Select(l => l.Id).Distinct().ToArray() is { Length: > 0 } ids)
                links.Add((kind, CrmTables.SelectAsync(trip, session, kind, "{in:id}", ("id", ids))));
        }
        await trip.RunAsync(cancellationToken);
        foreach (var rows in await Task.WhenAll(targets))
        {
            var byId = rows.ToDictionary(r => r.Id);
            foreach (var batch in batches)
                batch.Take(byId);
        }
        foreach (var (kind, there) in links)
        {
            var ids = (await there).Select(r => r.Id).ToHashSet();
            foreach (var batch in batches)
                batch.RefuseLinks(kind, ids);
        }
        foreach (var batch in batches)
            batch.Apply();
    }

    private async Task InsertAsync(Func<CrmBatchRows, IEnumerable<(CrmBatchRows Batch, string Step, CrmRow Row)>> created, CrmObject kind, CancellationToken cancellationToken)
    {
        var rows = batches.SelectMany(created).ToList();
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
        var existing = (await CrmTables.SelectAsync(session, kind, "{in:id}", "", cancellationToken, ("id", missing.Select(r => r.Row.Id).ToArray())))
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
}
