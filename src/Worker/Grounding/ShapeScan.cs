using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
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

    // All that an analysis may have; other names are compared as texts.
    private static readonly byte[][] Expected =
        ["evidence"u8.ToArray(), "reasoning"u8.ToArray(), "intent"u8.ToArray(), "decision"u8.ToArray(), "fitScore"u8.ToArray(), "source"u8.ToArray(), "fieldPath"u8.ToArray(), "claimType"u8.ToArray(), "value"u8.ToArray(), "central"u8.ToArray()];

    private readonly List<GroundingError> errors;

    /// <summary>The way down to where the scan is; a path is put together only when there is a fault to report.</summary>
    private readonly List<Step> way = [];

    private ShapeScan(List<GroundingError> errors) => this.errors = errors;

    /// <summary>False when there is text in it that cannot even be read; then nothing else of it should be touched.</summary>
    private bool Readable { get; set; } = true;

    /// <summary>Adds what it finds to the errors; false when the element holds text that cannot be read.</summary>
    public static bool Run(JsonElement root, List<GroundingError> errors)
    {
        var scan = new ShapeScan(errors);
        scan.Visit(root);
        return scan.Readable;
    }

    private void Visit(JsonElement element)
    {
        if (way.Count > DeepestNesting)
        {
            Fault($"Nested more than {DeepestNesting} levels deep.");
            Readable = false;
            return;
        }
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                VisitObject(element);
                break;
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in element.EnumerateArray())
                    Visit(item, new Step(null, index++));
                break;
            case JsonValueKind.Number when !element.TryGetDouble(out var number) || !double.IsFinite(number):
                Fault("The number is not finite.");
                break;
            case JsonValueKind.String when !IsPlain(JsonMarshal.GetRawUtf8Value(element)) && !LeafValue.TryGetText(element, out _):
                Fault("The text is not valid Unicode.");
                Readable = false;
                break;
        }
    }

    private void Visit(JsonElement element, Step step)
    {
        way.Add(step);
        Visit(element);
        way.RemoveAt(way.Count - 1);
    }

    private void VisitObject(JsonElement element)
    {
        var expected = 0;
        HashSet<string>? others = null;
        foreach (var member in element.EnumerateObject())
        {
            var bit = BitOf(JsonMarshal.GetRawUtf8PropertyName(member));
            bool isNew;
            if (bit != 0)
            {
                isNew = (expected & bit) == 0;
                expected |= bit;
            }
            else if (TryName(member, out var name))
            {
                // Spelt with escapes, it may be an expected name all the same.
                bit = BitOf(Encoding.UTF8.GetBytes(name));
                isNew = bit == 0 ? (others ??= new(StringComparer.Ordinal)).Add(name) : (expected & bit) == 0;
                expected |= bit;
            }
            else
            {
                Fault("A property name is not valid Unicode.");
                Readable = false;
                continue;
            }
            var step = new Step(member, 0);
            if (!isNew)
            {
                way.Add(step);
                Fault("The property occurs twice.");
                way.RemoveAt(way.Count - 1);
            }
            Visit(member.Value, step);
        }
    }

    /// <summary>A bit for a name that is expected somewhere; 0 for another one.</summary>
    private static int BitOf(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < Expected.Length; i++)
        {
            if (name.SequenceEqual(Expected[i]))
                return 1 << i;
        }
        return 0;
    }

    /// <summary>ASCII without escapes: no fault of encoding can be in it, and it need not be made a text to find out.</summary>
    private static bool IsPlain(ReadOnlySpan<byte> raw) => Ascii.IsValid(raw) && !raw.Contains((byte)'\\');

    private void Fault(string message)
    {
        // A hostile answer may have a fault at every turn; fifty tell the story.
        if (errors.Count < 50)
            errors.Add(new GroundingError("G1", Path(), message));
    }

    private string Path()
    {
        var path = new StringBuilder();
        foreach (var step in way)
        {
            if (step.Member is { } member)
                path.Append(path.Length > 0 ? "." : "").Append(TryName(member, out var name) ? name : "");
            else
                path.Append(CultureInfo.InvariantCulture, $"[{step.Index}]");
        }
        return path.ToString();
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

    /// <summary>One step of the way down: a member, or else an index.</summary>
    private readonly record struct Step(JsonProperty? Member, int Index);
}
