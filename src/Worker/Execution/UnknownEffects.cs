using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Execution;

/// <summary>Counts, now and then, the effects whose outcome is not known, for the gauge. All workers of a database show the same number.</summary>
public sealed partial class UnknownEffects(SqlDatabase database, TimeProvider time, ILogger<UnknownEffects> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(15);

    private long count;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        GuardMeters.ShowUnknown(() => Interlocked.Read(ref count));
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                Interlocked.Exchange(ref count, await CountAsync(stoppingToken));
            }
#pragma warning disable CA1031 // A gauge that could not be read is no reason to stop; the next round tries again.
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                Log.NotCounted(logger, exception.GetType().Name);
            }
        }
    }

    private async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        // Through the leads that the sweeper knows of: they are few and indexed, and a lead with such an effect is among them.
        var counts = await session.QueryAsync(
            "SELECT COUNT(*) FROM leads l JOIN effects e ON e.lead_id = l.id AND e.run = l.run WHERE l.sweep_at IS NOT NULL AND l.pending = 'execution' AND e.state = 'unknown'",
            r => Convert.ToInt64(r.GetValue(0), System.Globalization.CultureInfo.InvariantCulture), cancellationToken);
        return counts[0];
    }

    private static partial class Log
    {
        [LoggerMessage(310, LogLevel.Debug, "Effects with an unknown outcome could not be counted: {Exception}")]
        public static partial void NotCounted(ILogger logger, string exception);
    }
}
