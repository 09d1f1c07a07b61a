using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LeadPipeline.Worker.Tests.Deploy;

/// <summary>A document of a YAML file, with the types that YAML's core schema gives to plain scalars.</summary>
/// <param name="File">The file, from the root of the working copy.</param>
/// <param name="Content">What it says.</param>
internal sealed record Manifest(string File, JsonObject Content)
{
    public string Kind => (string?)Content["kind"] ?? "";

    public override string ToString() => $"{File} {Kind}".TrimEnd();

    /// <summary>The documents of a file.</summary>
    public static IReadOnlyList<Manifest> Read(string file) => Parse(System.IO.File.ReadAllText(Repository.PathOf(file)), file);

    /// <summary>The documents of a text.</summary>
    public static IReadOnlyList<Manifest> Parse(string text, string file)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(text);
        stream.Load(reader);
        return [.. stream.Documents.Select(d => new Manifest(file, Node(d.RootNode) as JsonObject ?? throw new InvalidDataException($"{file} is no mapping")))];
    }

    /// <summary>The YAML files below a folder, those of hidden folders left out.</summary>
    public static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(Repository.PathOf(folder), "*.yaml", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(Repository.Root, f).Replace('\\', '/'))
        .Where(f => !f.Contains("/.", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    /// <summary>Every object below a node that has a member of this name, with that member.</summary>
    public static IEnumerable<(JsonObject Owner, JsonNode Member)> Holders(JsonNode? node, string name) => node switch
    {
        JsonObject o => (o[name] is { } member ? [(o, member)] : Enumerable.Empty<(JsonObject, JsonNode)>()).Concat(o.SelectMany(m => Holders(m.Value, name))),
        JsonArray a => a.SelectMany(i => Holders(i, name)),
        _ => [],
    };

    private static JsonNode? Node(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value!, Node(c.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Node)]),
        YamlScalarNode { Style: not ScalarStyle.Plain } quoted => JsonValue.Create(quoted.Value),
        YamlScalarNode plain => Plain(plain.Value ?? ""),
        _ => throw new NotSupportedException(node.GetType().Name),
    };

    private static JsonValue? Plain(string text) => text switch
    {
        "" or "~" or "null" => null,
        "true" => JsonValue.Create(true),
        "false" => JsonValue.Create(false),
        _ when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var small) => JsonValue.Create(small),
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => JsonValue.Create(whole),
        _ when double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        _ => JsonValue.Create(text),
    };
}
