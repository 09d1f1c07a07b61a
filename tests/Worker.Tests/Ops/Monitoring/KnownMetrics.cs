using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Hosting;

namespace LeadPipeline.Worker.Tests.Ops.Monitoring;

/// <summary>What dashboards and alerts may ask for.</summary>
internal static class KnownMetrics
{
    /// <summary>Ours that are made by parts which not every build of the program has.</summary>
    private static readonly Dictionary<string, string[]> OfParts = new()
    {
        ["there once a model has run"] = ["ai_analysis_duration_seconds", "ai_tokens_total", "ai_cost_dollars_total"],
        ["there once a replay has run"] = ["dead_letter_replays_total"],
    };

    /// <summary>Those of .NET, ASP.NET Core, Npgsql, Prometheus and RabbitMQ that we look at.</summary>
    private static readonly string[] OfOthers =
    [
        "dotnet_exceptions", "dotnet_gc_collections", "dotnet_gc_heap_total_allocated", "dotnet_gc_last_collection_heap_size",
        "dotnet_gc_last_collection_memory_committed_size", "dotnet_gc_pause_time", "dotnet_monitor_lock_contentions", "dotnet_process_cpu_count",
        "dotnet_process_cpu_time", "dotnet_process_memory_working_set", "dotnet_thread_pool_queue_length", "dotnet_thread_pool_thread_count",
        "http_server_active_requests", "http_server_request_duration", "kestrel_active_connections", "kestrel_queued_connections",
        "db_client_connection_count", "db_client_connection_max", "db_client_connection_npgsql_pending_requests", "db_client_connection_npgsql_timeouts",
        "db_client_operation_duration", "up", "rabbitmq_detailed_queue_consumers", "rabbitmq_detailed_queue_messages",
    ];

    /// <summary>The program's own, as its meters have published them: name, and whether it is a histogram.</summary>
    public static IReadOnlyDictionary<string, bool> Own { get; } = Published();

    public static bool Has(string name) =>
        Own.TryGetValue(name, out var histogram) && !histogram
        || Base(name) is { } inner && (Own.TryGetValue(inner, out histogram) && histogram || Others.Contains(inner))
        || Others.Contains(name)
        || AlertRules.All.Any(r => r.Record == name);

    private static IEnumerable<string> Others => OfOthers.Concat(OfParts.Values.SelectMany(names => names));

    private static string? Base(string name) =>
        new[] { "_bucket", "_sum", "_count" }.Where(suffix => name.EndsWith(suffix, StringComparison.Ordinal)).Select(suffix => name[..^suffix.Length]).FirstOrDefault();

    private static Dictionary<string, bool> Published()
    {
        // Instruments are static fields of a few classes: once these are there, a listener is told of all.
        foreach (var type in new[] { typeof(CrmMeters).Assembly, typeof(ConfigurationCheck).Assembly }.SelectMany(a => a.GetTypes())
            .Where(t => t.Name.EndsWith("Meters", StringComparison.Ordinal) || t.Name is "Backlog" or "PipelineValue"))
        {
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        }
        var found = new Dictionary<string, bool>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name.StartsWith("LeadPipeline.", StringComparison.Ordinal))
                    found[instrument.Name] = instrument is Histogram<double> or Histogram<long>;
            },
        };
        listener.Start();
        return found;
    }
}
