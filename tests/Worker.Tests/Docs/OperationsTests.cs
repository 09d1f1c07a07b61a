using System.Collections;
using System.Reflection;
using System.Text.RegularExpressions;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Logging;

namespace LeadPipeline.Worker.Tests.Docs;

/// <summary>What <c>docs/OPERATIONS.md</c> says of keys and events is what the program has: no more and no less.</summary>
public sealed class OperationsTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "OPERATIONS.md"));

    [Test]
    public void Every_configuration_key_has_a_row_and_every_row_is_a_key()
    {
        var keys = ConfigurationCheck.Sections.SelectMany(s => Keys(s.Section, s.Type)).ToList();

        Assert.That(FirstCells("## Configuration keys"), Is.EquivalentTo(keys));
    }

    [Test]
    public void Every_log_event_has_a_row_and_every_row_is_an_event()
    {
        var events = typeof(ConfigurationCheck).Assembly.GetTypes()
            .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(m => m.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .Select(a => $"{a.EventId} {a.Level}")
            .ToList();

        Assert.That(Rows("## Log events").Select(r => $"{r[0]} {r[1]}"), Is.EquivalentTo(events));
    }

    private static IEnumerable<string> Keys(string path, Type type)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var (key, inner) = ($"{path}:{property.Name}", property.PropertyType);
            var isDictionary = inner.IsGenericType && inner.GetGenericTypeDefinition() == typeof(IDictionary<,>);
            var isList = inner != typeof(string) && !isDictionary && typeof(IEnumerable).IsAssignableFrom(inner);
            if (!property.CanWrite && (!isDictionary && !isList || property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)))
                continue;
            var element = inner.IsArray ? inner.GetElementType()! : isList ? inner.GetGenericArguments()[0] : null;
            if (isDictionary)
                yield return $"{key}:NAME";
            else if (!isList && inner.IsClass && inner != typeof(string))
                foreach (var nested in Keys(key, inner))
                    yield return nested;
            else if (element is { IsClass: true } && element != typeof(string))
                foreach (var nested in Keys($"{key}:n", element))
                    yield return nested;
            else
                yield return element is null ? key : $"{key}:n";
        }
    }

    private static IEnumerable<string> FirstCells(string heading) => Rows(heading).Select(r => r[0].Trim('`'));

    /// <summary>The cells of the tables below a heading, head rows left out.</summary>
    private static IEnumerable<string[]> Rows(string heading)
    {
        var section = Regex.Split(Text, "^(?=## )", RegexOptions.Multiline).Single(part => part.StartsWith(heading + "\n", StringComparison.Ordinal));
        var lines = section.Split('\n');
        return lines
            .Where((line, i) => line.StartsWith("| ", StringComparison.Ordinal) && !(i + 1 < lines.Length && lines[i + 1].StartsWith("|--", StringComparison.Ordinal)))
            .Select(line => line.Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries));
    }
}
