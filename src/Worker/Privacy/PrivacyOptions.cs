using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Privacy;

/// <summary>How personal data is shown in audit rows, logs, listings and the console.</summary>
public sealed class PrivacyOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Privacy";

    /// <summary>What is done with personal fields. Default Mask. Free text is always masked in place.</summary>
    public RedactionStrategy Strategy { get; set; } = RedactionStrategy.Mask;

    /// <summary>Other strategies for single kinds, for example <c>Strategies:Email = Hash</c>. Default none.</summary>
    public IDictionary<PersonalDataKind, RedactionStrategy> Strategies { get; } = new Dictionary<PersonalDataKind, RedactionStrategy>();

    /// <summary>How many characters Truncate leaves. Default 3; more says more about the person. Allowed: 0 to 20.</summary>
    [Range(0, 20)]
    public int TruncateTo { get; set; } = 3;

    internal RedactionStrategy For(PersonalDataKind kind) => Strategies.TryGetValue(kind, out var strategy) ? strategy : Strategy;
}
