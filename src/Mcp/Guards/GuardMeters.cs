using System.Diagnostics.Metrics;
using System.Globalization;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Mcp.Guards;

/// <summary>What is counted about guards and tools. Labels come from short lists: never a lead, an address or a message.</summary>
public static class GuardMeters
{
    private static readonly InstrumentAdvice<double> ToolSeconds = new() { HistogramBucketBoundaries = [0.1, 0.5, 1, 2, 5, 10] };

    private static readonly Counter<long> Violations = CrmMeters.Meter.CreateCounter<long>("mcp_rate_limit_violations_total", "{lead}", "Times that a limit put something off, or turned a post away.");
    private static readonly Counter<long> Blocks = CrmMeters.Meter.CreateCounter<long>("mcp_safety_blocks_total", "{plan}", "Plans that the safety gate stopped.");
    private static readonly Counter<long> Calls = CrmMeters.Meter.CreateCounter<long>("mcp_tool_calls_total", "{call}", "Tool calls by how they ended.");
    private static readonly Histogram<double> Durations = CrmMeters.Meter.CreateHistogram("mcp_tool_call_duration_seconds", "s", "Time that the CRM took for the batch that a tool's write was in.", advice: ToolSeconds);
    private static readonly Counter<long> Errors = CrmMeters.Meter.CreateCounter<long>("mcp_errors_total", "{error}", "Tool calls that did not succeed, by kind of trouble.");
    private static readonly Counter<long> Compensations = CrmMeters.Meter.CreateCounter<long>("mcp_compensations_total", "{step}", "Steps that were to be undone.");

    private static readonly Counter<long> Deals = CrmMeters.Meter.CreateCounter<long>("crm_deals_created_total", "{deal}", "Opportunities that were created.");
    private static readonly Histogram<double> DealValues = CrmMeters.Meter.CreateHistogram("crm_deal_value_dollars", "{dollar}", "Amounts of the opportunities that were created with one.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1000, 5000, 10000, 25000, 50000, 100000, 500000] });

    /// <summary>Makes the series of known labels, so that each is there, at zero, before its first event.</summary>
    public static void ShowAll()
    {
        foreach (var type in Enum.GetNames<LimitType>())
            Violations.Add(0, new KeyValuePair<string, object?>("limit_type", type.ToLowerInvariant()));
        foreach (var reason in (ReadOnlySpan<string>)["grounding", "email", "policy", "injection"])
            Blocks.Add(0, new("tool_name", SafetyGate.WholePlan), new("reason", reason));
        Deals.Add(0);
        CrmMeters.ShowAll();
    }

    /// <summary>A limit put something off.</summary>
    public static void Limited(LimitType type) => Violations.Add(1, new KeyValuePair<string, object?>("limit_type", type.ToString().ToLowerInvariant()));

    /// <summary>The safety gate stopped a plan.</summary>
    /// <param name="tool">The tool that it stopped for; <c>plan</c> when it was for the whole plan.</param>
    /// <param name="reason"><c>grounding</c>, <c>email</c>, <c>policy</c> or <c>injection</c>.</param>
    public static void Blocked(string tool, string reason) => Blocks.Add(1, new("tool_name", tool), new("reason", reason));

    /// <summary>A step of a plan has come to a state and it is durable.</summary>
    /// <param name="effect">The step.</param>
    /// <param name="before">The state before; null: none was recorded.</param>
    public static void Settled(StepEffect effect, EffectState? before)
    {
        if (before == effect.State)
            return;
        switch (effect.State)
        {
            case EffectState.Confirmed or EffectState.Unchanged:
                Called(effect.Step.Tool, "success");
                if (effect is { State: EffectState.Confirmed, Created: true, Object: CrmObject.Opportunity })
                    Sold(effect);
                break;
            case EffectState.Skipped:
                Called(effect.Step.Tool, "skipped");
                break;
            case EffectState.Failed:
                Called(effect.Step.Tool, "error");
                Erred(effect.Step.Tool, CrmFault.Unknown);
                break;
            case EffectState.Unknown:
                Erred(effect.Step.Tool, CrmFault.Unknown);
                break;
            case EffectState.Compensated:
                Compensated(effect.Step.Tool, "done");
                break;
            case EffectState.NotNeeded:
                Compensated(effect.Step.Tool, "not_needed");
                break;
            case EffectState.CannotCompensate:
                Compensated(effect.Step.Tool, "cannot");
                break;
        }
    }

    /// <summary>A step could not go on now.</summary>
    /// <param name="tool">Its tool.</param>
    /// <param name="fault">The kind of trouble; null: none of its own, a guard held it back.</param>
    public static void Deferred(string tool, CrmFault? fault)
    {
        Called(tool, "deferred");
        if (fault is { } kind)
            Erred(tool, kind);
    }

    /// <summary>Shows how many effects have an outcome that is not known.</summary>
    /// <param name="count">Answers when somebody looks.</param>
    public static void ShowUnknown(Func<long> count) =>
        CrmMeters.Meter.CreateObservableGauge("mcp_effects_unknown", count, "{effect}", "Effects that may or may not be in the CRM, to be read back.");

    /// <summary>The CRM has taken a tool's write.</summary>
    public static void Took(string tool, TimeSpan duration) => Durations.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("tool_name", tool));

    private static void Sold(StepEffect effect)
    {
        Deals.Add(1);
        if (effect.Step.Arguments[CrmFields.Amount]?.ToJsonString() is { } amount && double.TryParse(amount, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            DealValues.Record(value);
    }

    private static void Called(string tool, string status) => Calls.Add(1, new("tool_name", tool), new("status", status), new("surface", "pipeline"));

    private static void Erred(string tool, CrmFault fault) => Errors.Add(1, new("error_type", fault.Label()), new("tool_name", tool));

    private static void Compensated(string tool, string outcome) => Compensations.Add(1, new("tool_name", tool), new("outcome", outcome));
}
