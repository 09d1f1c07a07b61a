using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit;

/// <summary>As much of PromQL as it takes to say which metrics a query asks for.</summary>
public static partial class PromQl
{
    private static readonly HashSet<string> Words = ["and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"];

    /// <summary>The names of metrics in a query, each once, with the suffixes that histograms have.</summary>
    public static IReadOnlyList<string> MetricsOf(string query)
    {
        // What is in quotes, braces and brackets are labels and times, and so are the lists after by and its like.
        var bare = Grouping().Replace(Enclosed().Replace(query, ""), " ");
        return [.. Names().Matches(bare).Select(m => m.Value).Where(n => !Words.Contains(n)).Distinct()];
    }

    [GeneratedRegex("""\{("(\\.|[^"\\])*"|[^}"])*\}|\[[^\]]*\]|"(\\.|[^"\\])*"|\boffset\s+\w+""")]
    private static partial Regex Enclosed();

    [GeneratedRegex("""\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)""")]
    private static partial Regex Grouping();

    [GeneratedRegex("""(?<![\w.:$])[a-zA-Z_][\w:]*(?![\w:]|\s*\()""")]
    private static partial Regex Names();
}
