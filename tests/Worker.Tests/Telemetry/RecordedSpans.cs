using System.Collections.Concurrent;
using System.Diagnostics;

namespace LeadPipeline.Worker.Tests.Telemetry;

/// <summary>Listens to sources of spans, as a collector's exporter would, and keeps what has ended.</summary>
internal sealed class RecordedSpans : IDisposable
{
    private readonly ActivityListener listener;
    private readonly ConcurrentQueue<Activity> ended = new();

    public RecordedSpans(params string[] sources)
    {
        listener = new ActivityListener
        {
            ShouldListenTo = source => sources.Contains(source.Name),
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
    }

    public IReadOnlyList<Activity> Of(string traceId) => [.. ended.Where(a => a.TraceId.ToString() == traceId)];

    public void Dispose() => listener.Dispose();
}
