using FuzzySharp;

namespace LeadPipeline.Worker.Planning;

/// <summary>Suggests the right spelling.</summary>
internal static class Nearest
{
    /// <summary>The name that is most like what was written.</summary>
    public static string To(string written, IEnumerable<string> names) =>
        names.MaxBy(n => Fuzz.Ratio(written.ToLowerInvariant(), n.ToLowerInvariant())) ?? "";
}
