using System.Text.RegularExpressions;
using LeadPipeline.TestKit;

namespace LeadPipeline.Worker.Tests.Doors;

/// <summary>What <c>docs/INTAKE.md</c> shows.</summary>
internal static class IntakeDocument
{
    /// <summary>The fenced blocks of one language.</summary>
    public static IReadOnlyList<string> Blocks(string language) =>
        [.. Regex.Matches(File.ReadAllText(Repository.PathOf("docs/INTAKE.md")), $"^```{language}\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline).Select(m => m.Groups[1].Value)];
}
