using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Reports;

/// <summary>Reads what a report counts. Opens no sealed column: there is nothing of a person in a report.</summary>
public sealed class ReportReader(SqlDatabase database, TimeProvider time)
{
    /// <summary>The report over the leads that were received since then.</summary>
    /// <param name="since">From when on.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<PipelineReport> ReadAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        var builder = new ReportBuilder(since.ToUniversalTime(), time.GetUtcNow());
        await using var session = await database.OpenReaderAsync(cancellationToken);
        // Rows are counted as they pass and not kept.
        _ = await session.QueryAsync(
            """
            SELECT l.source, l.status, l.received_at, l.run, r.grounding_status, r.plan_status,
                   (SELECT MIN(e.updated_at) FROM effects e WHERE e.received_at = l.received_at AND e.lead_id = l.id AND e.run = l.run AND e.record_id IS NOT NULL AND e.state IN ('confirmed', 'unchanged', 'compensated', 'cannot_compensate'))
            FROM leads l LEFT JOIN lead_runs r ON r.lead_id = l.id AND r.run = l.run WHERE l.received_at >= @since
            """,
            r =>
            {
                builder.Add(new LeadFact(
                    r.GetString(0), Enum.Parse<LeadStatus>(r.GetString(1)), session.Time(r, 2), r.GetInt32(3),
                    r.IsDBNull(4) ? null : Enum.Parse<GroundingStatus>(r.GetString(4)),
                    !r.IsDBNull(5) && r.GetString(5) == nameof(PlanStatus.Planned),
                    r.IsDBNull(6) ? null : session.Time(r, 6)));
                return true;
            },
            cancellationToken, ("since", since.ToUniversalTime()));
        _ = await session.QueryAsync(
            "SELECT started_at, model_call FROM lead_runs WHERE started_at >= @since AND model_call IS NOT NULL",
            r =>
            {
                if (JsonSerializer.Deserialize(r.GetString(1), ContractsJson.Default.ModelCall) is { } call)
                    builder.Add(new ModelFact(session.Time(r, 0), call.ModelVersion ?? call.Model, call.Answers, call.Usage));
                return true;
            },
            cancellationToken, ("since", since.ToUniversalTime()));
        return builder.Build();
    }
}
