using System.Globalization;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// Faults that JSON allows and an analysis may not have, wherever they stand: duplicate keys, numbers that are not finite
/// (1e999), text that is no Unicode, nesting without end.
/// </summary>
internal sealed class ShapeScan
{
    // Less than the 64 levels that serializers stop at, so that a verdict can hold what was claimed and be written itself.
    private const int DeepestNesting = 48;

    private readonly List<GroundingError> errors;

    private ShapeScan(List<GroundingError> errors) => this.errors = errors;

    /// <summary>False when there is text in it that cannot even be read; then nothing else of it should be touched.</summary>
    private bool Readable { get; set; } = true;

    /// <summary>Adds what it finds to the errors; false when the element holds text that cannot be read.</summary>
    public static bool Run(JsonElement root, List<GroundingError> errors)
    {
        var scan = new ShapeScan(errors);
        scan.Visit(root, null, 0);
        return scan.Readable;
    }

    private void Visit(JsonElement element, Step? at, int depth)
    {
        if (depth > DeepestNesting)
        {
            Fault(at, $"Nested more than {DeepestNesting} levels deep.");
            Readable = false;
            return;
        }
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                VisitObject(element, at, depth);
                break;
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in element.EnumerateArray())
                    Visit(item, new Step(at, null, index++), depth + 1);
                break;
            case JsonValueKind.Number when !element.TryGetDouble(out var number) || !double.IsFinite(number):
                Fault(at, "The number is not finite.");
                break;
            case JsonValueKind.String when !LeafValue.TryGetText(element, out _):
                Fault(at, "The text is not valid Unicode.");
                Readable = false;
                break;
        }
    }

    private void VisitObject(JsonElement element, Step? at, int depth)
    {
        var seen = new List<string>(8);
        HashSet<string>? many = null;
        foreach (var member in element.EnumerateObject())
        {
            if (!TryName(member, out var name))
            {
                Fault(at, "A property name is not valid Unicode.");
                Readable = false;
                continue;
            }
            var step = new Step(at, name, 0);
            // A handful of names is found faster by looking than by hashing; a hostile object has thousands.
            if (seen.Count == 16)
                many ??= [.. seen];
            if (many is null ? seen.Contains(name) : !many.Add(name))
                Fault(step, "The property occurs twice.");
            else if (many is null)
                seen.Add(name);
            Visit(member.Value, step, depth + 1);
        }
    }

    private void Fault(Step? at, string message)
    {
        // A hostile answer may have a fault at every turn; fifty tell the story.
        if (errors.Count < 50)
            errors.Add(new GroundingError("G1", at?.Path ?? "", message));
    }

    private static bool TryName(JsonProperty member, out string name)
    {
        try
        {
            name = member.Name;
            return true;
        }
        catch (InvalidOperationException)
        {
            name = "";
            return false;
        }
    }

    /// <summary>One step of the way down; a path is put together only when there is a fault to report.</summary>
    private sealed record Step(Step? Parent, string? Name, int Index)
    {
        public string Path =>
            Name is null ? string.Create(CultureInfo.InvariantCulture, $"{Parent?.Path}[{Index}]")
            : Parent is null ? Name
            : $"{Parent.Path}.{Name}";
    }
}
