using System.Text.Json;

namespace LeadPipeline.TestKit;

/// <summary>A panel of a dashboard.</summary>
/// <param name="Dashboard">Title of the dashboard.</param>
/// <param name="Title">Its title.</param>
/// <param name="Description">What it shows and what a rise means.</param>
/// <param name="Links">Where its links lead.</param>
/// <param name="Queries">In PromQL, with Grafana's variables.</param>
public sealed record DashboardPanel(string Dashboard, string Title, string Description, IReadOnlyList<string> Links, IReadOnlyList<string> Queries)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Dashboard} / {Title}";
}

/// <summary>The dashboards in <c>ops/grafana/dashboards</c>.</summary>
public static class Dashboards
{
    /// <summary>Their files.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. Directory.GetFiles(Repository.PathOf("ops/grafana/dashboards"), "*.json").Order(StringComparer.Ordinal)];

    /// <summary>All panels that show something.</summary>
    public static IReadOnlyList<DashboardPanel> Panels { get; } = [.. Files.SelectMany(Read)];

    private static List<DashboardPanel> Read(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        var title = Text(document.RootElement, "title");
        return [.. document.RootElement.GetProperty("panels").EnumerateArray()
            .Where(p => Text(p, "type") != "row")
            .Select(p => new DashboardPanel(title, Text(p, "title"), Text(p, "description"),
                [.. p.GetProperty("links").EnumerateArray().Select(l => Text(l, "url"))],
                [.. p.GetProperty("targets").EnumerateArray().Select(t => Text(t, "expr"))]))];
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
