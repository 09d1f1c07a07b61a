using System.Globalization;
using LeadPipeline.Worker.Planning;
using YamlDotNet.RepresentationModel;

namespace LeadPipeline.Worker.Hosting;

/// <summary>Gathers what is wrong with a file that an operator wrote.</summary>
internal sealed class YamlFaults(string file)
{
    private readonly List<(long Line, string Message)> _faults = [];

    /// <summary>Everything so far, in the order of the file.</summary>
    public IReadOnlyList<string> All => [.. _faults.Distinct().OrderBy(f => f.Line).Select(f => string.Create(CultureInfo.InvariantCulture, $"{file}:{f.Line}: {f.Message}"))];

    /// <summary>Notes a fault at a line.</summary>
    public void Add(long line, string message) => _faults.Add((Math.Max(1, line), message));

    /// <summary>Notes a fault where a node stands.</summary>
    public void Add(YamlNode node, string message) => Add(node.Start.Line, message);

    /// <summary>Notes each key that is not among the known ones, with the nearest right one.</summary>
    public void RefuseUnknownKeys(YamlMappingNode mapping, string[] known)
    {
        foreach (var key in mapping.Children.Keys)
        {
            var name = (key as YamlScalarNode)?.Value ?? "";
            if (!known.Contains(name))
                Add(key, $"'{name}' is not a key here; did you mean '{Nearest.To(name, known)}'? Known are: {string.Join(", ", known)}");
        }
    }
}

/// <summary>Looks into YAML nodes.</summary>
internal static class YamlNodes
{
    /// <summary>The value under a key, or null.</summary>
    public static YamlNode? Child(this YamlMappingNode mapping, string key) =>
        mapping.Children.FirstOrDefault(c => c.Key is YamlScalarNode scalar && scalar.Value == key).Value;
}
