using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage.Sql;
using static LeadPipeline.Worker.Storage.Sql.ColumnType;

namespace LeadPipeline.Worker.Storage;

/// <summary>
/// Group commit: the units of work of many leads become one transaction of few statements. Each unit stands or falls by its own
/// version check; one that falls takes none of the others with it.
/// </summary>
public sealed class LeadCommitter : IAsyncDisposable
{
    private const int LargestGroup = 128;
    private readonly SqlDatabase database;
    private readonly Grouped<LeadCommit, CommitResult> group;
    private long groups, units;

    /// <summary>Starts with the first commit.</summary>
    public LeadCommitter(SqlDatabase database)
    {
        this.database = database;
        group = new(LargestGroup, unit => unit.Saga.LeadId, RunAsync, exception => !database.IsTransient(exception));
    }

    /// <summary>Transactions so far.</summary>
    public long Groups => Interlocked.Read(ref groups);

    /// <summary>Units of work so far.</summary>
    public long Units => Interlocked.Read(ref units);

    /// <summary>Makes a unit of work durable and tells whether it stood.</summary>
    public Task<CommitResult> CommitAsync(LeadCommit commit) => group.RunAsync(commit);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => group.DisposeAsync();

    private async Task<IReadOnlyList<CommitResult>> RunAsync(IReadOnlyList<LeadCommit> commits, CancellationToken cancellationToken)
    {
        var results = await WriteAsync(commits, cancellationToken);
        Interlocked.Increment(ref groups);
        Interlocked.Add(ref units, commits.Count);
        return results;
    }

    private async Task<CommitResult[]> WriteAsync(IReadOnlyList<LeadCommit> commits, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        return await TryTogetherAsync(session, commits, cancellationToken)
            ? new CommitResult[commits.Count]
            : await WriteOneByOneAsync(session, commits, cancellationToken);
    }

    /// <summary>
    /// Nearly always nobody was faster and all units stand. So everything goes in one trip that supposes so; if one unit falls, none of it has happened.
    /// </summary>
    private static async Task<bool> TryTogetherAsync(SqlSession session, IReadOnlyList<LeadCommit> commits, CancellationToken cancellationToken)
    {
        var keys = Rows(c => c.Keys.Select(LeadTables.KeyRow));
        var people = Rows(PersonRows);
        if (!commits.All(c => c.IsPlain) || Repeat(LeadTables.Keys, keys) || Repeat(LeadTables.PeopleInHand, people))
            return false;
        await session.BeginAsync(cancellationToken);
        var batch = session.Batch();
        var claimed = batch.InsertAsync(LeadTables.Keys, keys);
        var taken = batch.InsertAsync(LeadTables.PeopleInHand, people);
        var added = batch.InsertAsync(LeadTables.NewLeads, Rows(c => c.New is null ? [] : [LeadTables.NewLeadRow(c)]));
        var moved = batch.UpdateAsync(LeadTables.MoveLeads, Rows(c => c.New is null ? [LeadTables.MoveLeadRow(c)] : []));
        if (People(commits, c => c.LeavesPerson) is { } left)
            batch.Execute(LeadTables.LeavePeople, left);
        batch.Add(LeadTables.Runs, Rows(RunRows));
        batch.Add(LeadTables.NewEffects, Rows(LeadTables.NewEffectRows));
        batch.Change(LeadTables.ChangeEffects, Rows(c => c.ChangedEffects.Select(e => LeadTables.ChangeEffectRow(c, e))));
        _ = batch.InsertAsync(LeadTables.SharedRecords, Rows(LeadTables.SharedRecordRows));
        batch.Add(LeadTables.Audit, Rows(LeadTables.AuditRows));
        batch.Add(LeadTables.Aliases, Rows(AliasRows));
        batch.Add(LeadTables.DeadLetters, Rows(DeadLetterRows));
        try
        {
            await batch.RunAsync(cancellationToken);
            if ((await claimed).Count == keys.Count && (await taken).Count == people.Count && (await added).Count + (await moved).Count == commits.Count)
            {
                await session.CommitAsync(cancellationToken);
                return true;
            }
        }
        catch (DuplicateRowException)
        {
            // One unit's row is there already. Which one's is found out one by one.
        }
        await session.RollbackAsync(cancellationToken);
        return false;

        List<object?[]> Rows(Func<LeadCommit, IEnumerable<object?[]>> rows)
        {
            var all = new List<object?[]>();
            foreach (var commit in commits)
                all.AddRange(rows(commit));
            return all;
        }

        static bool Repeat(BulkInsert insert, List<object?[]> rows) => rows.DistinctBy(r => r[insert.KeyIndex]).Count() < rows.Count;
    }

    /// <summary>Each unit by itself: those that fall take none of the others with them.</summary>
    private static async Task<CommitResult[]> WriteOneByOneAsync(SqlSession session, IReadOnlyList<LeadCommit> commits, CancellationToken cancellationToken)
    {
        await session.BeginAsync(cancellationToken);
        var results = new CommitResult[commits.Count];

        await ClaimKeysAsync(session, commits, results, cancellationToken);
        var taken = await TakePeopleAsync(session, commits, results, cancellationToken);
        var judged = await ClaimVerdictsAsync(session, commits, results, cancellationToken);
        await ChangeApprovalsAsync(session, commits, results, cancellationToken);

        var added = await session.InsertAsync(LeadTables.NewLeads, Rows(c => c.New is null ? [] : [LeadTables.NewLeadRow(c)]), cancellationToken);
        var moved = await session.UpdateAsync(LeadTables.MoveLeads, Rows(c => c.New is null ? [LeadTables.MoveLeadRow(c)] : []), cancellationToken);
        for (var i = 0; i < commits.Count; i++)
        {
            if (results[i] == CommitResult.Committed && !(commits[i].New is null ? moved : added).Contains(commits[i].Saga.LeadId))
                results[i] = CommitResult.Conflict;
        }

        await RestoreApprovalsAsync(session, commits, results, cancellationToken);
        await TakeBackClaimsAsync(session, commits, results, taken, judged, cancellationToken);
        await session.InsertAsync(LeadTables.NewApprovals, Rows(c => c.Approvals.Where(a => a.Before is null).Select(a => LeadTables.NewApprovalRow(a.After))), cancellationToken);
        if (People(commits.Where((_, i) => results[i] == CommitResult.Committed), c => c.LeavesPerson) is { } left)
            await session.ExecuteAsync(LeadTables.LeavePeople, cancellationToken, left);
        await session.InsertAsync(LeadTables.Runs, Rows(RunRows), cancellationToken);
        var entered = await session.InsertAsync(LeadTables.NewEffects, Rows(LeadTables.NewEffectRows), cancellationToken);
        // A row that turns out to be there already must not keep an older state: "planned" would hide that something was sent.
        await session.UpdateAsync(LeadTables.ChangeEffects,
            Rows(c => c.ChangedEffects.Concat(c.NewEffects.Where(e => !entered.Contains(e.EffectKey))).Select(e => LeadTables.ChangeEffectRow(c, e))), cancellationToken);
        await session.InsertAsync(LeadTables.SharedRecords, Rows(LeadTables.SharedRecordRows), cancellationToken);
        await session.InsertAsync(LeadTables.Audit, Rows(LeadTables.AuditRows), cancellationToken);
        await session.InsertAsync(LeadTables.Aliases, Rows(AliasRows), cancellationToken);
        await session.InsertAsync(LeadTables.DeadLetters, Rows(DeadLetterRows), cancellationToken);
        for (var i = 0; i < commits.Count; i++)
        {
            if (results[i] == CommitResult.Committed && commits[i].DeadLettersBecome is { } state)
                await session.ExecuteAsync("UPDATE dead_letters SET state = @state, replays = replays + @counted WHERE lead_id = @lead AND state = 'open'", cancellationToken, ("state", state), ("counted", state == "replayed" ? 1 : 0), ("lead", commits[i].Saga.LeadId));
        }
        for (var i = 0; i < commits.Count; i++)
        {
            if (results[i] == CommitResult.Committed && commits[i].Erase is { } erasure)
                await erasure.RunAsync(session, commits[i].Saga.LeadId, commits[i].Saga.UpdatedAt, cancellationToken);
        }
        await session.CommitAsync(cancellationToken);
        return results;

        List<object?[]> Rows(Func<LeadCommit, IEnumerable<object?[]>> rows)
        {
            var all = new List<object?[]>();
            for (var i = 0; i < commits.Count; i++)
            {
                if (results[i] == CommitResult.Committed)
                    all.AddRange(rows(commits[i]));
            }
            return all;
        }
    }

    private static async Task ClaimKeysAsync(SqlSession session, IReadOnlyList<LeadCommit> commits, CommitResult[] results, CancellationToken cancellationToken)
    {
        // Two leads in one group may claim one key: only the first claim is sent, the other has lost.
        var claims = new Dictionary<string, object?[]>();
        for (var i = 0; i < commits.Count; i++)
        {
            if (commits[i].Keys.Any(k => claims.ContainsKey(k.Key)))
                results[i] = CommitResult.KeyTaken;
            else
                foreach (var key in commits[i].Keys)
                    claims.Add(key.Key, LeadTables.KeyRow(key));
        }

        if (claims.Count == 0)
            return;
        var claimed = await session.InsertAsync(LeadTables.Keys, [.. claims.Values], cancellationToken);
        for (var i = 0; i < commits.Count; i++)
        {
            if (results[i] != CommitResult.Committed || commits[i].Keys.All(k => claimed.Contains(k.Key)))
                continue;
            results[i] = CommitResult.KeyTaken;
            var undo = commits[i].Keys.Where(k => claimed.Contains(k.Key)).Select(k => k.Key).ToArray();
            if (undo.Length > 0)
                await session.ExecuteAsync("DELETE FROM intake_keys WHERE {in:key}", cancellationToken, ("key", undo));
        }
    }

    /// <summary>Before the leads, so that one whose person is held by another lead does not move at all. Answers the people who were free and are held now.</summary>
    private static async Task<HashSet<object>> TakePeopleAsync(SqlSession session, IReadOnlyList<LeadCommit> commits, CommitResult[] results, CancellationToken cancellationToken)
    {
        var wanted = commits.Where((_, i) => results[i] == CommitResult.Committed).SelectMany(PersonRows).DistinctBy(r => r[0]).ToList();
        if (wanted.Count == 0)
            return [];
        var taken = await session.InsertAsync(LeadTables.PeopleInHand, wanted, cancellationToken);
        var holders = (await session.QueryAsync("SELECT record_key, lead_id FROM people_in_hand WHERE {in:record_key}",
            r => (Person: r.GetString(0), Lead: r.GetGuid(1)), cancellationToken, ("record_key", wanted.ConvertAll(r => (string)r[0]!).ToArray()))).ToDictionary(h => h.Person, h => h.Lead);
        for (var i = 0; i < commits.Count; i++)
        {
            // One that its own lead holds was taken by somebody faster, as the lead's version will tell.
            if (results[i] == CommitResult.Committed && commits[i].TakesPerson is { } person && holders.GetValueOrDefault(person) != commits[i].Saga.LeadId)
                results[i] = CommitResult.Busy;
        }
        return taken;
    }

    /// <summary>Before the leads, so that of two people who decide about a run in the same moment one does, and the lead does not move for the other.</summary>
    private static async Task<HashSet<object>> ClaimVerdictsAsync(SqlSession session, IReadOnlyList<LeadCommit> commits, CommitResult[] results, CancellationToken cancellationToken)
    {
        var judged = await session.InsertAsync(LeadTables.ReviewVerdicts,
            [.. commits.Where((c, i) => results[i] == CommitResult.Committed).Select(c => c.Review).OfType<ReviewVerdictRow>().Select(LeadTables.ReviewVerdictRow)], cancellationToken);
        for (var i = 0; i < commits.Count; i++)
        {
            if (results[i] == CommitResult.Committed && commits[i].Review is { } review && !judged.Contains(review.Id))
                results[i] = CommitResult.Outdated;
        }
        return judged;
    }

    /// <summary>A unit that fell after it had claimed keys, a person or a verdict leaves none: a key without its lead would keep everybody else from being stored.</summary>
    private static async Task TakeBackClaimsAsync(SqlSession session, IReadOnlyList<LeadCommit> commits, CommitResult[] results, HashSet<object> taken, HashSet<object> judged, CancellationToken cancellationToken)
    {
        // Who lost a key has given back what he had; the key itself is another unit's.
        var fallen = commits.Where((_, i) => results[i] is CommitResult.Conflict or CommitResult.Outdated or CommitResult.Busy).ToList();
        var keys = fallen.SelectMany(c => c.Keys).Select(k => k.Key).ToArray();
        if (keys.Length > 0)
            await session.ExecuteAsync("DELETE FROM intake_keys WHERE {in:key}", cancellationToken, ("key", keys));
        if (People(fallen, c => c.TakesPerson is { } person && taken.Contains(person) ? person : null) is { } given)
            await session.ExecuteAsync(LeadTables.LeavePeople, cancellationToken, given);
        var verdicts = fallen.Select(c => c.Review).OfType<ReviewVerdictRow>().Select(r => r.Id).Where(id => judged.Contains(id)).ToArray();
        if (verdicts.Length > 0)
            await session.ExecuteAsync("DELETE FROM review_verdicts WHERE {in:id}", cancellationToken, ("id", verdicts));
    }

    /// <summary>Before the leads, so that a lead whose approval has been used or withdrawn meanwhile does not move at all.</summary>
    private static async Task ChangeApprovalsAsync(SqlSession session, IReadOnlyList<LeadCommit> commits, CommitResult[] results, CancellationToken cancellationToken)
    {
        var changed = await session.UpdateAsync(LeadTables.ChangeApprovals, [.. Changes(commits, results, CommitResult.Committed).Select(a => LeadTables.ChangeApprovalRow(a.Before!, a.After))], cancellationToken);
        for (var i = 0; i < commits.Count; i++)
        {
            if (results[i] != CommitResult.Committed || commits[i].Approvals.All(a => a.Before is null || changed.Contains(a.After.Id)))
                continue;
            results[i] = CommitResult.Outdated;
            foreach (var taken in commits[i].Approvals.Where(a => a.Before is not null && changed.Contains(a.After.Id)))
                await session.UpdateAsync(LeadTables.ChangeApprovals, [LeadTables.ChangeApprovalRow(taken.After, taken.Before!)], cancellationToken);
        }
    }

    /// <summary>A unit that fell for its lead leaves the approvals as they were.</summary>
    private static Task<HashSet<object>> RestoreApprovalsAsync(SqlSession session, IReadOnlyList<LeadCommit> commits, CommitResult[] results, CancellationToken cancellationToken) =>
        session.UpdateAsync(LeadTables.ChangeApprovals, [.. Changes(commits, results, CommitResult.Conflict).Select(a => LeadTables.ChangeApprovalRow(a.After, a.Before!))], cancellationToken);

    private static IEnumerable<ApprovalChange> Changes(IReadOnlyList<LeadCommit> commits, CommitResult[] results, CommitResult result) =>
        commits.Where((_, i) => results[i] == result).SelectMany(c => c.Approvals).Where(a => a.Before is not null);

    /// <summary>Some leads and the people whom they hold, as <see cref="LeadTables.LeavePeople"/> wants them; null: there are none.</summary>
    private static (string, object?)[]? People(IEnumerable<LeadCommit> commits, Func<LeadCommit, string?> whom)
    {
        var held = commits.Select(c => (Person: whom(c), Lead: c.Saga.LeadId)).Where(h => h.Person is not null).ToList();
        return held.Count == 0 ? null : [("record_key", held.ConvertAll(h => h.Person!).ToArray()), ("lead_id", held.ConvertAll(h => h.Lead).ToArray())];
    }

    private static object?[][] PersonRows(LeadCommit commit) => commit.TakesPerson is null ? [] : [[commit.TakesPerson, commit.Saga.LeadId]];

    private static object?[][] RunRows(LeadCommit commit) => commit.Run is null ? [] : [LeadTables.RunRow(commit.Run)];

    private static object?[][] AliasRows(LeadCommit commit) => commit.Alias is null ? [] : [LeadTables.AliasRow(commit.Alias)];

    private static object?[][] DeadLetterRows(LeadCommit commit) => commit.DeadLetter is null ? [] : [LeadTables.DeadLetterRow(commit.DeadLetter)];
}
