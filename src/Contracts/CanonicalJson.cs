using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Contracts;

/// <summary>
/// One byte string for one value: object members in ordinal order, no white space, numbers in their shortest form
/// (40.0 is 40). What is hashed or compared goes through here.
/// </summary>
public static class CanonicalJson
{
    /// <summary>How a writer must be set up for canonical output.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Canonical UTF-8 bytes of an element.</summary>
    public static byte[] Bytes(JsonElement element)
    {
        using var pad = JsonPad.Rent();
        Write(pad.Writer, element);
        return pad.Written.ToArray();
    }

    /// <summary>Canonical UTF-8 bytes of a node; null is <c>null</c>.</summary>
    public static byte[] Bytes(JsonNode? node)
    {
        using var pad = JsonPad.Rent();
        Write(pad.Writer, node);
        return pad.Written.ToArray();
    }

    /// <summary>SHA-256 of the canonical bytes, as lower-case hex.</summary>
    public static string Hash(JsonElement element)
    {
        using var pad = JsonPad.Rent();
        Write(pad.Writer, element);
        return Sha256Hex(pad.Written);
    }

    /// <summary>SHA-256 of the canonical bytes, as lower-case hex.</summary>
    public static string Hash(JsonNode? node)
    {
        using var pad = JsonPad.Rent();
        Write(pad.Writer, node);
        return Sha256Hex(pad.Written);
    }

    /// <summary>SHA-256 of some bytes, as lower-case hex.</summary>
    public static string Sha256Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Writes an element canonically into a larger document.</summary>
    public static void Write(Utf8JsonWriter writer, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                WriteMembers(writer, element);
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            // Most numbers are whole and short, and are written as they are. Zero may have a sign.
            case JsonValueKind.Number when element.TryGetInt64(out var whole) && whole != 0:
                writer.WriteNumberValue(whole);
                break;
            case JsonValueKind.Number:
                WriteNumber(writer, element);
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    /// <summary>Writes a node canonically into a larger document; null is <c>null</c>.</summary>
    public static void Write(Utf8JsonWriter writer, JsonNode? node)
    {
        switch (node)
        {
            case null:
                writer.WriteNullValue();
                break;
            case JsonObject members:
                writer.WriteStartObject();
                foreach (var (name, value) in members.OrderBy(m => m.Key, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(name);
                    Write(writer, value);
                }
                writer.WriteEndObject();
                break;
            case JsonArray items:
                writer.WriteStartArray();
                foreach (var item in items)
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValue value when value.TryGetValue(out JsonElement element):
                Write(writer, element);
                break;
            case JsonValue value when value.TryGetValue(out string? text):
                writer.WriteStringValue(text);
                break;
            case JsonValue value when value.TryGetValue(out int number):
                writer.WriteNumberValue(number);
                break;
            case JsonValue value when value.TryGetValue(out bool flag):
                writer.WriteBooleanValue(flag);
                break;
            default:
                // Dates, money and what else a node may wrap: as it is when it has been written and read.
                Write(writer, JsonSerializer.SerializeToElement(node));
                break;
        }
    }

    private static void WriteMembers(Utf8JsonWriter writer, JsonElement element)
    {
        var members = ArrayPool<JsonProperty>.Shared.Rent(element.GetPropertyCount());
        var (count, sorted, plain) = (0, true, true);
        foreach (var member in element.EnumerateObject())
        {
            var name = JsonMarshal.GetRawUtf8PropertyName(member);
            // Bytes sort as characters do only while they are the same; what is escaped or beyond ASCII goes the long way.
            plain = plain && Ascii.IsValid(name) && !name.Contains((byte)'\\');
            sorted = sorted && (count == 0 || JsonMarshal.GetRawUtf8PropertyName(members[count - 1]).SequenceCompareTo(name) <= 0);
            members[count++] = member;
        }
        IEnumerable<JsonProperty>? inOrder = null;
        if (!plain)
            inOrder = members.Take(count).OrderBy(m => m.Name, StringComparer.Ordinal);
        else if (!sorted)
            SortByName(members.AsSpan(0, count));

        writer.WriteStartObject();
        foreach (var member in inOrder ?? new ArraySegment<JsonProperty>(members, 0, count))
        {
            if (plain)
                writer.WritePropertyName(JsonMarshal.GetRawUtf8PropertyName(member));
            else
                writer.WritePropertyName(member.Name);
            Write(writer, member.Value);
        }
        writer.WriteEndObject();
        ArrayPool<JsonProperty>.Shared.Return(members, clearArray: true);
    }

    /// <summary>By insertion: objects are small, members of the same name keep their order, and a comparer would be an object.</summary>
    private static void SortByName(Span<JsonProperty> members)
    {
        for (var i = 1; i < members.Length; i++)
        {
            var member = members[i];
            var at = i;
            for (; at > 0 && JsonMarshal.GetRawUtf8PropertyName(members[at - 1]).SequenceCompareTo(JsonMarshal.GetRawUtf8PropertyName(member)) > 0; at--)
                members[at] = members[at - 1];
            members[at] = member;
        }
    }

    private static void WriteNumber(Utf8JsonWriter writer, JsonElement element)
    {
        var raw = JsonMarshal.GetRawUtf8Value(element);
        // A short whole number is its own shortest form, but for minus nought.
        if (raw.Length <= MostPlainDigits && !raw.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            writer.WriteRawValue(raw, skipInputValidation: true);
        else
            writer.WriteRawValue(Number(element), skipInputValidation: true);
    }

    private const int MostPlainDigits = 15;

    private static string Number(JsonElement element)
    {
        // decimal keeps money and large ids exact; what does not fit is a double, and what is not finite stays as written.
        if (element.TryGetDecimal(out var exact))
            return (exact / 1.000000000000000000000000000000000m).ToString(CultureInfo.InvariantCulture);
        return element.TryGetDouble(out var approximate) && double.IsFinite(approximate)
            ? approximate.ToString("R", CultureInfo.InvariantCulture)
            : element.GetRawText();
    }
}
