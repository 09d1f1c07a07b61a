using LeadPipeline.TestKit;
using Npgsql;

namespace LeadPipeline.Bench.Outside;

/// <summary>What one lead took, and what of it was waiting for others.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Milliseconds">From received to ended, by the database.</param>
/// <param name="Model">Answers of the model.</param>
/// <param name="Crm">Calls to the CRM.</param>
internal sealed record OutsideWaits(Guid LeadId, double Milliseconds, int Model, int Crm)
{
    /// <summary>
    /// The leads received since. A lead asks the CRM once for evidence; again when there is a plan; and a third time, with all steps at once, when there is something
    /// to write, which opens an epoch.
    /// </summary>
    public static async Task<IReadOnlyList<OutsideWaits>> ReadAsync(TestDatabase database, DateTimeOffset since)
    {
        await using var connection = await database.ConnectAsync();
        await using var command = new NpgsqlCommand(
            """
            SELECT l.id, extract(epoch FROM l.updated_at - l.received_at)::float8 * 1000, coalesce((r.model_call::json ->> 'answers')::int, 0),
                   1 + (r.plan_status = 'Planned')::int + least(l.epoch, 1)
            FROM leads l JOIN lead_runs r ON r.lead_id = l.id AND r.run = l.run WHERE l.received_at >= @since
            """, connection)
        { Parameters = { new("since", since) } };
        await using var rows = await command.ExecuteReaderAsync();
        var waits = new List<OutsideWaits>();
        while (await rows.ReadAsync())
            waits.Add(new OutsideWaits(rows.GetGuid(0), rows.GetDouble(1), rows.GetInt32(2), rows.GetInt32(3)));
        return waits;
    }

    /// <summary>What these waits come to.</summary>
    public double Wait(BenchOptions options) => (Model * options.ModelWait.TotalMilliseconds) + (Crm * options.CrmWait.TotalMilliseconds);
}
