using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit;

/// <summary>The Dockerfile of the working copy.</summary>
public static class ImageFile
{
    /// <summary>Its text, instructions of several lines in one.</summary>
    public static string Text { get; } = File.ReadAllText(Repository.PathOf("Dockerfile")).Replace("\\\n", " ", StringComparison.Ordinal);

    /// <summary>What a process in the image finds in its environment.</summary>
    public static IReadOnlyDictionary<string, string> Settings { get; } = Regex.Matches(Text, "^ENV (.*)$", RegexOptions.Multiline)
        .SelectMany(m => m.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);

    /// <summary>Those of them that say how the runtime keeps its memory, which are read by no setting of ours.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Memory => Settings.Where(s => s.Key.StartsWith("DOTNET_GC", StringComparison.Ordinal) || s.Key.StartsWith("MALLOC_", StringComparison.Ordinal));
}
