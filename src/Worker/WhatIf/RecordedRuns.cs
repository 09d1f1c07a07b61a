using System.Data.Common;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.WhatIf;

/// <summary>Reads runs as they stand on record. Writes nothing.</summary>
public sealed class RecordedRuns(SqlDatabase database, LeadCipher cipher)
{
    /// <summary>The latest leads received since a time, the oldest of them first.</summary>
    /// <param name="since">The time.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<IReadOnlyList<Guid>> SinceAsync(DateTimeOffset since, int limit, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = await session.QueryAsync("SELECT id FROM leads WHERE received_at >= @since ORDER BY received_at DESC, id DESC LIMIT @limit",
            r => r.GetGuid(0), cancellationToken, ("since", since.ToUniversalTime()), ("limit", limit));
        found.Reverse();
        return found;
    }

    /// <summary>The latest recorded run of a lead.</summary>
    /// <param name="leadId">The lead, or an alias of it.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns>The run; or null and why there is none: <c>not-found</c>, <c>erased</c>, <c>no-run</c>.</returns>
    public async Task<(RecordedRun? Run, string? Why)> FindAsync(Guid leadId, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var leads = await session.QueryAsync(
            "SELECT id, data_key FROM leads WHERE id = @id OR id = (SELECT lead_id FROM lead_aliases WHERE alias_id = @id) ORDER BY CASE WHEN id = @id THEN 0 ELSE 1 END LIMIT 1",
            r => (Id: r.GetGuid(0), DataKey: r.IsDBNull(1) ? null : (byte[])r.GetValue(1)), cancellationToken, ("id", leadId));
        if (leads is not [var lead])
            return (null, "not-found");
        if (lead.DataKey is null)
            return (null, "erased");
        var key = cipher.Unwrap(lead.DataKey, lead.Id);
        var rows = await session.QueryAsync(
            """
            SELECT r.run, r.started_at, r.analyzer, r.model_version, r.prompt_hash, r.snapshot, r.answer, r.grounding, r.plan,
                   (SELECT COUNT(*) FROM review_verdicts v WHERE v.lead_id = r.lead_id AND v.run = r.run - 1 AND v.verdict = 'approved')
            FROM lead_runs r WHERE r.lead_id = @id ORDER BY r.run DESC
            """,
            r => Row(r, session.Time(r, 1)), cancellationToken, ("id", lead.Id));
        if (rows is not [var last, ..])
            return (null, "no-run");
        var plans = rows.Where(r => r.Plan is not null).ToDictionary(r => r.Run, r => SealedJson.Open(key, r.Plan!, lead.Id, ContractsJson.Default.ActionPlan));
        return (new RecordedRun
        {
            LeadId = lead.Id,
            Run = last.Run,
            At = last.At,
            Analyzer = last.Analyzer,
            ModelVersion = last.ModelVersion,
            PromptHash = last.PromptHash,
            Snapshot = SnapshotCodec.Decode(key.Open(last.Snapshot, lead.Id)),
            Answer = last.Answer is null ? null : key.Open(last.Answer, lead.Id),
            Then = new Decided(
                last.Grounding is null ? null : SealedJson.Open(key, last.Grounding, lead.Id, ContractsJson.Default.GroundingResult),
                plans.GetValueOrDefault(last.Run),
                last.Grounding is null ? "no-answer" : null),
            IsApproved = last.IsApproved,
            Ledger = await LedgerAsync(session, lead.Id, plans, cancellationToken),
        }, null);
    }

    private static async Task<IReadOnlyList<LedgerLine>> LedgerAsync(SqlSession session, Guid leadId, Dictionary<int, ActionPlan> plans, CancellationToken cancellationToken)
    {
        var rows = await session.QueryAsync($"SELECT run, step, state, record_id FROM effects WHERE {LeadTables.RowsOfLead} ORDER BY run DESC, step_index",
            r => (Run: r.GetInt32(0), Step: r.GetString(1), State: EffectStates.Parse(r.GetString(2)), RecordId: Text(r, 3)), cancellationToken, ("lead", leadId));
        return [.. rows
            .Select(r => (Row: r, Step: plans.GetValueOrDefault(r.Run)?.Steps.FirstOrDefault(s => s.Id == r.Step)))
            .Where(r => r.Step is not null)
            .Select(r => new LedgerLine(r.Row.Run, r.Step!, r.Row.State, r.Row.RecordId))];
    }

    private static (int Run, DateTimeOffset At, string Analyzer, string? ModelVersion, string? PromptHash, byte[] Snapshot, byte[]? Answer, byte[]? Grounding, byte[]? Plan, bool IsApproved) Row(DbDataReader r, DateTimeOffset at) =>
        (r.GetInt32(0), at, r.GetString(2), Text(r, 3), Text(r, 4), (byte[])r.GetValue(5), Bytes(r, 6), Bytes(r, 7), Bytes(r, 8), r.GetInt64(9) > 0);

    private static string? Text(DbDataReader r, int ordinal) => r.IsDBNull(ordinal) ? null : r.GetString(ordinal);

    private static byte[]? Bytes(DbDataReader r, int ordinal) => r.IsDBNull(ordinal) ? null : (byte[])r.GetValue(ordinal);
}
