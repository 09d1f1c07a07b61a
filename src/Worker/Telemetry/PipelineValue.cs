using System.Diagnostics.Metrics;
using LeadPipeline.Mcp.Tools;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Storage.MockCrm;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Telemetry;

/// <summary>
/// What the open opportunities are worth, read now and then for the gauge. Of the mock CRM only: a vendor's own reports tell it, and asking for it would cost
/// the allowance of calls that leads need.
/// </summary>
public sealed partial class PipelineValue(MockCrmStore crm, IOptions<CrmOptions> options, TimeProvider time, ILogger<PipelineValue> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    // As with the backlog: the last host of the process to look is the one that is shown. Empty: no series, for nobody has looked.
    private static IReadOnlyDictionary<string, decimal> shown = new Dictionary<string, decimal>();

    static PipelineValue() => _ = PipelineMeters.Meter.CreateObservableGauge("crm_pipeline_value_dollars",
        () => shown.Select(s => new Measurement<double>((double)s.Value, new KeyValuePair<string, object?>("stage", s.Key))), "{dollar}", "Amounts of the open opportunities of the mock CRM, by stage.");

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Provider != CrmProviderKind.Mock)
        {
            shown = new Dictionary<string, decimal>();
            return;
        }
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                var worth = await crm.OpenAmountsAsync(stoppingToken);
                shown = CrmValues.Stages.Where(CrmValues.IsOpenStage).ToDictionary(stage => stage, stage => worth.GetValueOrDefault(stage));
            }
#pragma warning disable CA1031 // A gauge that could not be read is no reason to stop; the next round tries again.
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

    private static partial class Log
    {
        [LoggerMessage(311, LogLevel.Debug, "What the open opportunities are worth could not be read: {Exception}")]
        public static partial void NotRead(ILogger logger, string exception);
    }
}
