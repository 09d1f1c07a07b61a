using System.Diagnostics.Metrics;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Hosting;

namespace LeadPipeline.Worker.Telemetry;

/// <summary>
/// What is waiting, read from the database now and then for the gauges: leads under way and how old the oldest is, effects whose outcome is not
/// known, dead letters by group. All workers of a database show the same numbers.
/// </summary>
public sealed partial class Backlog(BacklogReader reader, TimeProvider time, ILogger<Backlog> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    // Gauges live as long as the process, and more than one host may come and go in it: the last one to look is the one they show.
    private static BacklogNumbers shown = BacklogNumbers.None;

    static Backlog()
    {
        _ = PipelineMeters.Meter.CreateObservableGauge("leads_in_flight", () => shown.Stages.Select(s => new Measurement<long>(s.Leads, Stage(s.Name))), "{lead}", "Leads whose stage is outstanding, deferred ones among them.");
        _ = PipelineMeters.Meter.CreateObservableGauge("lead_queue_oldest_age_seconds", () => shown.Stages.Select(s => new Measurement<double>(s.OldestSeconds, Stage(s.Name))), "s", "Age of the lead that has waited longest for a stage, deferred ones left out.");
        _ = PipelineMeters.Meter.CreateObservableGauge("dead_letters", () => shown.DeadLetters.Select(d => new Measurement<long>(d.Count, new KeyValuePair<string, object?>("group", d.Group))), "{message}", "Dead letters that wait for somebody, by group.");
        GuardMeters.ShowUnknown(() => shown.Unknown);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                shown = await reader.ReadAsync(stoppingToken);
            }
#pragma warning disable CA1031 // Gauges that could not be read are no reason to stop; the next round tries again.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (stoppingToken.IsCancellationRequested)
                    return;
                Log.NotRead(logger, exception.GetType().Name);
            }
        }
        while (await timer.NextAsync(stoppingToken));
    }

    private static KeyValuePair<string, object?> Stage(string name) => new("stage", name);

    private static partial class Log
    {
        [LoggerMessage(310, LogLevel.Debug, "The numbers of what is waiting could not be read: {Exception}")]
        public static partial void NotRead(ILogger logger, string exception);
    }
}
