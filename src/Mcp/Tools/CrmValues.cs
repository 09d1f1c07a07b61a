using LeadPipeline.Contracts;

namespace LeadPipeline.Mcp.Tools;

/// <summary>The values that the CRM's pick lists hold.</summary>
public static class CrmValues
{
    /// <summary>Lead statuses.</summary>
    public static IReadOnlyList<string> LeadStatuses { get; } = [New, "Working", "Nurturing", "Qualified", "Disqualified", "Converted"];

    /// <summary>Opportunity stages in order; the last two are closed.</summary>
    public static IReadOnlyList<string> Stages { get; } =
        ["Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Negotiation", "Closed Won", "Closed Lost"];

    /// <summary>Task priorities.</summary>
    public static IReadOnlyList<string> Priorities { get; } = ["Normal", "High"];

    /// <summary>Intents as the CRM words them.</summary>
    public static IReadOnlyList<string> Intents { get; } = [.. Enum.GetValues<LeadIntent>().Select(Wording)];

    /// <summary>The status of a lead that nobody has worked on.</summary>
    public const string New = "New";

    /// <summary>An intent as the CRM words it.</summary>
    public static string Wording(LeadIntent intent) => intent switch
    {
        LeadIntent.LOW_FIT => "Low Fit",
        LeadIntent.MEDIUM_FIT => "Medium Fit",
        LeadIntent.HIGH_FIT => "High Fit",
        LeadIntent.MANUAL_REVIEW => "Manual Review",
        _ => throw new ArgumentOutOfRangeException(nameof(intent), intent, "This intent has no wording in the CRM."),
    };

    /// <summary>Whether an opportunity in this stage is open.</summary>
    public static bool IsOpenStage(string stage) => Stages.Contains(stage) && !stage.StartsWith("Closed", StringComparison.Ordinal);
}
