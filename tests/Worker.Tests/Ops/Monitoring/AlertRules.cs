using LeadPipeline.TestKit;
using YamlDotNet.RepresentationModel;

namespace LeadPipeline.Worker.Tests.Ops.Monitoring;

/// <summary>A rule of <c>ops/prometheus/alerts.yml</c>.</summary>
internal sealed record AlertRule(string? Alert, string? Record, string Expression, string? Severity, string? Runbook);

internal static class AlertRules
{
    public static IReadOnlyList<AlertRule> All { get; } = Read();

    public static IEnumerable<string> Alerts => All.Select(r => r.Alert).OfType<string>();

    private static List<AlertRule> Read()
    {
        using var reader = File.OpenText(Repository.PathOf("ops/prometheus/alerts.yml"));
        var yaml = new YamlStream();
        yaml.Load(reader);
        return [.. Items(yaml.Documents[0].RootNode, "groups").SelectMany(g => Items(g, "rules")).Select(r => new AlertRule(
            Text(r, "alert"), Text(r, "record"), Text(r, "expr")!, Text(Child(r, "labels"), "severity"), Text(Child(r, "annotations"), "runbook_url")))];
    }

    private static IEnumerable<YamlNode> Items(YamlNode node, string key) => (YamlSequenceNode)Child(node, key)!;

    private static YamlNode? Child(YamlNode? node, string key) => node is YamlMappingNode map && map.Children.TryGetValue(key, out var child) ? child : null;

    private static string? Text(YamlNode? node, string key) => (Child(node, key) as YamlScalarNode)?.Value;
}
