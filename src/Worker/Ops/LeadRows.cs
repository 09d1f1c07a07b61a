using System.Data.Common;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Ops;

/// <summary>
/// The rows that a lead is told by, for many leads at once. <c>process</c> tells of all leads of its file, so this goes past EF Core, and reads no more of a row
/// than is told: what was asked and answered is the larger half of a run.
/// </summary>
internal static class LeadRows
{
    /// <summary>Reads each lead, its current run if it has one, and that run's ledger in the order of the steps. What is not told is left empty.</summary>
    public static async Task<IEnumerable<(LeadRow Lead, LeadRunRow? Run, List<EffectRow> Effects)>> ReadAsync(SqlSession session, IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        var leads = await session.QueryAsync(
            """
            SELECT id, leads.run, status, reason, due_at, received_at, updated_at, epoch, source, data_key, body,
                   analyzer, model_call, grounding, grounding_status, intent, decision, fit_score, plan
            FROM leads LEFT JOIN lead_runs ON lead_id = id AND lead_runs.run = leads.run WHERE {in:id}
            """,
            r => (Lead: Lead(session, r), Run: Run(r)), cancellationToken, ("id", ids.ToArray()));
        var effects = (await session.QueryAsync(
            """
            SELECT e.lead_id, e.run, step_index, step, tool, state, record_id, sealed, error
            FROM (SELECT id, received_at FROM leads WHERE {in:id}) l JOIN effects e ON e.received_at = l.received_at AND e.lead_id = l.id
            """,
            Effect, cancellationToken, ("id", ids.ToArray()))).ToLookup(e => (e.LeadId, e.Run));
        return leads.Select(l => (l.Lead, l.Run, effects[(l.Lead.Id, l.Lead.Run)].OrderBy(e => e.StepIndex).ToList()));
    }

    /// <summary>A column's text; null where there is none.</summary>
    public static string? Text(DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static LeadRow Lead(SqlSession session, DbDataReader r) => new()
    {
        Id = r.GetGuid(0),
        Run = r.GetInt32(1),
        Status = r.GetString(2),
        Reason = Text(r, 3),
        DueAt = r.IsDBNull(4) ? null : session.Time(r, 4),
        ReceivedAt = session.Time(r, 5),
        UpdatedAt = session.Time(r, 6),
        Epoch = r.GetInt32(7),
        Source = r.GetString(8),
        DataKey = Bytes(r, 9),
        Body = Bytes(r, 10) ?? [],
        AuditHead = [],
        RecordKey = "",
    };

    private static LeadRunRow? Run(DbDataReader r) => r.IsDBNull(11) ? null : new()
    {
        LeadId = r.GetGuid(0),
        Run = r.GetInt32(1),
        Analyzer = r.GetString(11),
        ModelCall = Text(r, 12),
        Grounding = Bytes(r, 13),
        GroundingStatus = Text(r, 14),
        Intent = Text(r, 15),
        Decision = Text(r, 16),
        FitScore = r.IsDBNull(17) ? null : r.GetInt32(17),
        Plan = Bytes(r, 18),
        SnapshotHash = "",
        Snapshot = [],
    };

    private static EffectRow Effect(DbDataReader r) => new()
    {
        LeadId = r.GetGuid(0),
        Run = r.GetInt32(1),
        StepIndex = r.GetInt32(2),
        Step = r.GetString(3),
        Tool = r.GetString(4),
        State = r.GetString(5),
        RecordId = Text(r, 6),
        Sealed = Bytes(r, 7),
        Error = Text(r, 8),
        EffectKey = "",
    };

    private static byte[]? Bytes(DbDataReader reader, int column) => reader.IsDBNull(column) ? null : (byte[])reader.GetValue(column);
}
