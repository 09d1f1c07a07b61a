using System.Diagnostics;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Telemetry;

/// <summary>
/// Spans that follow a lead: sent to a queue, taken from it, through each stage. With the calls to the CRM and the model they are one trace,
/// also across workers, since messages carry the W3C context and so do commands that are handed over within the process. A lead is named by
/// its id and nothing else of it. When nobody listens nothing is made.
/// </summary>
internal static class LeadTraces
{
    /// <summary>The source's name, for whoever listens.</summary>
    public const string Name = "LeadPipeline.Worker";

    /// <summary>The header of a message, and its place in a command, that carry the context on: W3C <c>traceparent</c>.</summary>
    public const string Header = "traceparent";

    /// <summary>The system of the queue within the process, beside <c>rabbitmq</c>.</summary>
    public const string InProcess = "in_process";

    internal static readonly ActivitySource Source = new(Name);

    /// <summary>The context to send along; null when nobody listens.</summary>
    public static string? Context => Source.HasListeners() && Activity.Current is { IdFormat: ActivityIdFormat.W3C } current ? current.Id : null;

    /// <summary>Something is sent to a queue.</summary>
    /// <param name="system"><c>rabbitmq</c> or <see cref="InProcess"/>.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="lead">The lead, if its id is known.</param>
    public static Activity? Sending(string system, string queue, Guid? lead) =>
        Messaging(Source.StartActivity($"send {queue}", ActivityKind.Producer), system, queue, "send", lead);

    /// <summary>Something was taken from a queue and is worked on.</summary>
    /// <param name="system"><c>rabbitmq</c> or <see cref="InProcess"/>.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="lead">The lead, if its id is known.</param>
    /// <param name="context">What came with it; null or nonsense: a trace begins.</param>
    public static Activity? Processing(string system, string queue, Guid? lead, string? context)
    {
        if (!Source.HasListeners())
            return null;
        var known = ActivityContext.TryParse(context, null, isRemote: true, out var parent);
        // The broker's client may have made spans of its own on the way; then ours belongs below the nearest of them.
        var span = known && Activity.Current?.TraceId != parent.TraceId
            ? Source.StartActivity($"process {queue}", ActivityKind.Consumer, parent)
            : Source.StartActivity($"process {queue}", ActivityKind.Consumer);
        return Messaging(span, system, queue, "process", lead);
    }

    /// <summary>A stage works on a lead.</summary>
    public static Activity? Stage(StageCommand command)
    {
        var span = Source.StartActivity(command.Stage == LeadStage.Analysis ? "analyze lead" : "execute plan");
        span?.SetTag("lead.id", command.LeadId.ToString());
        span?.SetTag("lead.run", command.Run);
        span?.SetTag("lead.attempt", command.Attempt);
        return span;
    }

    /// <summary>What was begun has failed; of the exception only its type is told, for its words may be a person's.</summary>
    public static void Failed(Activity? span, Exception exception)
    {
        span?.SetTag("error.type", exception.GetType().FullName);
        span?.SetStatus(ActivityStatusCode.Error);
    }

    private static Activity? Messaging(Activity? span, string system, string queue, string operation, Guid? lead)
    {
        span?.SetTag("messaging.system", system);
        span?.SetTag("messaging.destination.name", queue);
        span?.SetTag("messaging.operation.type", operation);
        span?.SetTag("messaging.operation.name", operation);
        if (lead is { } id)
            span?.SetTag("lead.id", id.ToString());
        return span;
    }
}
