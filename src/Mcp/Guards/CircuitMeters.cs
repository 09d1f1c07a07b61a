using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Mcp.Guards;

/// <summary>
/// Breakers as metrics. They are read off when somebody looks, so that each breaker is there, closed and with zeros, before its first call:
/// a series that appears only with the first failure cannot be alerted on.
/// </summary>
internal static class CircuitMeters
{
    private static readonly ConcurrentDictionary<string, Circuit> Circuits = new();
    private static readonly CrmFault[] Faults = Enum.GetValues<CrmFault>();

    private static readonly Histogram<double> Latency = CrmMeters.Meter.CreateHistogram(
        "mcp_circuit_breaker_latency_seconds", "s", "Time of a guarded call.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.5, 1, 2, 5, 10, 30] });

    static CircuitMeters()
    {
        _ = CrmMeters.Meter.CreateObservableGauge("mcp_circuit_breaker_state", () => Each(c => c.Level), null, "0 closed, 1 half-open, 2 open.");
        _ = CrmMeters.Meter.CreateObservableCounter("mcp_circuit_breaker_requests_total", () => Each(c => c.Requests), "{call}", "Calls asked for, the rejected ones among them.");
        _ = CrmMeters.Meter.CreateObservableCounter("mcp_circuit_breaker_successes_total", () => Each(c => c.Successes), "{call}", "Calls that were answered.");
        _ = CrmMeters.Meter.CreateObservableCounter("mcp_circuit_breaker_rejections_total", () => Each(c => c.Rejections), "{call}", "Calls that an open breaker did not make.");
        _ = CrmMeters.Meter.CreateObservableCounter("mcp_circuit_breaker_timeouts_total", () => Each(c => c.Timeouts), "{call}", "Calls without an answer in time.");
        _ = CrmMeters.Meter.CreateObservableCounter("mcp_circuit_breaker_failures_total", Failed, "{call}", "Calls that failed, by kind of trouble.");
    }

    /// <summary>Shows a breaker from now on; one of the same name that was there before makes room for it.</summary>
    public static void Show(Circuit circuit) => Circuits[circuit.Name] = circuit;

    public static void Took(Circuit circuit, TimeSpan time) => Latency.Record(time.TotalSeconds, Labels(circuit));

    private static IEnumerable<Measurement<long>> Each(Func<Circuit, long> value) =>
        Circuits.Values.Select(c => new Measurement<long>(value(c), Labels(c)));

    private static IEnumerable<Measurement<long>> Failed() =>
        Circuits.Values.SelectMany(c => Faults.Select(f => new Measurement<long>(c.Failures(f), [.. Labels(c), new("error_type", f.Label())])));

    private static KeyValuePair<string, object?>[] Labels(Circuit circuit) => [new("breaker_name", circuit.Name), new("crm_provider", circuit.Provider)];
}
