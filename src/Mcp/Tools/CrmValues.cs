using System.Collections.Immutable;
using LeadPipeline.Contracts;

namespace LeadPipeline.Mcp.Tools;

/// <summary>The values that the CRM's pick lists hold.</summary>
public static class CrmValues
{
    /// <summary>Lead statuses.</summary>
    public static IReadOnlyList<string> LeadStatuses { get; } = [New, "Working", "Nurturing", "Qualified", "Disqualified", Converted];

    /// <summary>The statuses that may be set: all but <see cref="Converted"/>, which only a conversion brings.</summary>
    public static IReadOnlyList<string> SettableStatuses { get; } = [.. LeadStatuses.Where(s => s != Converted)];

    /// <summary>Opportunity stages in order; the last two are closed.</summary>
    public static IReadOnlyList<string> Stages => StageList;

    private static readonly ImmutableArray<string> StageList =
        ["Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Negotiation", "Closed Won", "Closed Lost"];

    /// <summary>Task priorities.</summary>
    public static IReadOnlyList<string> Priorities { get; } = ["Normal", "High"];

    /// <summary>Intents as the CRM words them.</summary>
    public static IReadOnlyList<string> Intents { get; } = [.. Enum.GetValues<LeadIntent>().Select(Wording)];

    /// <summary>The status of a lead that nobody has worked on.</summary>
    public const string New = "New";

    /// <summary>The status of a lead that became a contact; only a conversion sets it.</summary>
    public const string Converted = "Converted";

    /// <summary>Tags that a policy may give when it does not say which.</summary>
    public static IReadOnlyList<string> Tags { get; } = ["ai-qualified", "nurture", "needs-review"];

    /// <summary>An intent as the CRM words it.</summary>
    public static string Wording(LeadIntent intent) => intent switch
    {
        LeadIntent.LOW_FIT => "Low Fit",
        LeadIntent.MEDIUM_FIT => "Medium Fit",
        LeadIntent.HIGH_FIT => "High Fit",
        LeadIntent.MANUAL_REVIEW => "Manual Review",
        _ => throw new ArgumentOutOfRangeException(nameof(intent), intent, "This intent has no wording in the CRM."),
    };

    /// <summary>Whether an opportunity may go from one stage to another: each to the next, any open one to lost, none out of closed.</summary>
    public static bool CanMove(string? from, string to)
    {
        if (from is null || !IsOpenStage(from))
            return false;
        var index = StageList.IndexOf(from);
        // Negotiation is the last open stage, and both ways out of it are closed ones.
        return to == Stages[^1] || to == Stages[index + 1];
    }

    /// <summary>The stages that an opportunity may go to from a stage; none when it is closed.</summary>
    public static IReadOnlyList<string> NextStages(string? from) => [.. Stages.Where(to => CanMove(from, to))];

    /// <summary>Whether an opportunity in this stage is open.</summary>
    public static bool IsOpenStage(string stage) => Stages.Contains(stage) && !stage.StartsWith("Closed", StringComparison.Ordinal);
}
