using System.Diagnostics.Metrics;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Telemetry;

/// <summary>What is counted about leads on their way. Labels come from short lists: never a lead, an address or a person's words.</summary>
public static class PipelineMeters
{
    /// <summary>The meter's name, for whoever listens.</summary>
    public const string Name = "LeadPipeline.Worker";

    /// <summary>The one meter of the worker, whichever of its parts counts: an instrument on another one would be exported to nobody.</summary>
    internal static readonly Meter Meter = new(Name);

    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    };

    private static readonly Counter<long> ReceivedLeads = Meter.CreateCounter<long>("leads_received_total", "{lead}", "Leads taken in, copies left out, by the door they came through.");
    private static readonly Counter<long> Processed = Meter.CreateCounter<long>("leads_processed_total", "{lead}", "Leads that came to an end, by status.");
    private static readonly Histogram<double> EndToEnd = Meter.CreateHistogram("lead_end_to_end_seconds", "s", "Time from receipt to the end of a lead.", advice: Seconds);
    private static readonly Histogram<double> Stages = Meter.CreateHistogram("lead_stage_duration_seconds", "s", "Time that a stage worked on a lead, its waits for others included.", advice: Seconds);
    private static readonly Counter<long> Decisions = Meter.CreateCounter<long>("mcp_grounding_decisions_total", "{analysis}", "Analyses by the status that grounding gave them.");
    private static readonly Counter<long> Claims = Meter.CreateCounter<long>("mcp_grounding_claims_total", "{claim}", "Claims by verdict.");

    private static readonly Counter<long> Replays = Meter.CreateCounter<long>("dead_letter_replays_total", "{message}", "Dead letters of replays whose outcome was waited for, by outcome.");

    private static readonly string[] Statuses = [.. Enum.GetValues<LeadStatus>().Select(SnakeCase)];
    private static readonly HashSet<string> Doors = ["api", "file", "queue"];

    /// <summary>Makes the series of known labels, so that each is there, at zero, before its first event.</summary>
    /// <param name="doors">Configured webhooks and forms.</param>
    public static void ShowAll(IEnumerable<string> doors)
    {
        Doors.UnionWith(doors);
        foreach (var door in Doors.Append("other"))
            ReceivedLeads.Add(0, Tag("source", door));
        foreach (var status in Enum.GetValues<LeadStatus>().Where(s => s.IsTerminal()))
            Processed.Add(0, Tag("status", Statuses[(int)status]));
        foreach (var status in Enum.GetNames<GroundingStatus>())
            Decisions.Add(0, Tag("status", status));
        foreach (var outcome in (string[])["completed", "failed", "stopped"])
            Replayed(outcome, 0);
        foreach (var verdict in Enum.GetNames<ClaimVerdict>())
            Claims.Add(0, Tag("verdict", verdict));
    }

    /// <summary>Something came of a replay of dead letters.</summary>
    /// <param name="outcome"><c>completed</c>, <c>failed</c>, or <c>stopped</c> for those that were not sent on any more.</param>
    /// <param name="count">How many.</param>
    public static void Replayed(string outcome, int count) => Replays.Add(count, Tag("outcome", outcome));

    /// <summary>A lead is stored.</summary>
    public static void Received(string door) => ReceivedLeads.Add(1, Tag("source", Doors.Contains(door) ? door : "other"));

    /// <summary>A lead has moved and it is durable.</summary>
    public static void Moved(LeadSaga before, LeadSaga after)
    {
        if (before.Status.IsTerminal() || !after.Status.IsTerminal())
            return;
        Processed.Add(1, Tag("status", Statuses[(int)after.Status]));
        // A lead that was taken up again years later says nothing about how fast leads are.
        if (after.Run == 1)
            EndToEnd.Record((after.UpdatedAt - after.ReceivedAt).TotalSeconds);
    }

    /// <summary>A stage has worked on a lead.</summary>
    /// <param name="stage"><c>intake</c>, <c>analysis</c> or <c>execution</c>.</param>
    /// <param name="took">For how long.</param>
    public static void Worked(string stage, TimeSpan took) => Stages.Record(took.TotalSeconds, Tag("stage", stage));

    /// <summary>A verdict is durable.</summary>
    public static void Grounded(GroundingResult verdict)
    {
        Decisions.Add(1, Tag("status", verdict.Status.ToString()));
        foreach (var claim in verdict.Claims)
            Claims.Add(1, Tag("verdict", claim.Verdict.ToString()));
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private static string SnakeCase(LeadStatus status) =>
        string.Concat(status.ToString().Select((c, i) => char.IsUpper(c) ? (i > 0 ? "_" : "") + char.ToLowerInvariant(c) : c.ToString()));
}
