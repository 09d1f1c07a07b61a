using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit;

/// <summary>
/// Lists of hostile texts that others have collected. They are not part of the project, which has its own; whoever has such lists puts them
/// into a folder named by <c>LEADPIPELINE_TESTDATA</c>, or into one of the usual places beside the working copy.
/// </summary>
public static class OutsideData
{
    /// <summary>The variable that names the folder.</summary>
    public const string Variable = "LEADPIPELINE_TESTDATA";

    /// <summary>The folders that are looked into, in this order.</summary>
    public static IReadOnlyList<string> Folders { get; } = OutsideFolders.Of(Variable, "../shared/data", "../testdata");

    /// <summary>
    /// The texts of the lists in a folder of the first of <see cref="Folders"/> that has it, without repetitions: of a <c>.json</c> file every
    /// text that stands in it as a value, of a <c>.txt</c> file every line that is not empty.
    /// </summary>
    /// <param name="folder">The folder's name, such as <c>hostile</c>.</param>
    /// <param name="pattern">Which of its files, such as <c>*prompt*</c>.</param>
    /// <returns>The texts, in the order of the files' names; none: there is no such folder, or nothing in it.</returns>
    public static IReadOnlyList<string> Texts(string folder, string pattern = "*")
    {
        if (Folders.Select(f => Path.Combine(f, folder)).FirstOrDefault(Directory.Exists) is not { } found)
            return [];
        var texts = Directory.EnumerateFiles(found, pattern).Order(StringComparer.Ordinal).SelectMany(file => Path.GetExtension(file) switch
        {
            ".json" => Values(JsonNode.Parse(File.ReadAllText(file))),
            ".txt" => File.ReadLines(file).Where(l => l.Length > 0),
            _ => [],
        });
        return [.. texts.Distinct(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Values(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(m => Values(m.Value)),
        JsonArray list => list.SelectMany(Values),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => [value.GetValue<string>()],
        _ => [],
    };
}
