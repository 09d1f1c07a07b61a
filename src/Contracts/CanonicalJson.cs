using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
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
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
            Write(writer, element);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Canonical UTF-8 bytes of a node; null is <c>null</c>.</summary>
    public static byte[] Bytes(JsonNode? node)
    {
        using var document = JsonDocument.Parse(JsonSerializer.SerializeToUtf8Bytes(node));
        return Bytes(document.RootElement);
    }

    /// <summary>SHA-256 of the canonical bytes, as lower-case hex.</summary>
    public static string Hash(JsonElement element) => Sha256Hex(Bytes(element));

    /// <summary>SHA-256 of the canonical bytes, as lower-case hex.</summary>
    public static string Hash(JsonNode? node) => Sha256Hex(Bytes(node));

    /// <summary>SHA-256 of some bytes, as lower-case hex.</summary>
    public static string Sha256Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Writes an element canonically into a larger document.</summary>
    public static void Write(Utf8JsonWriter writer, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in element.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value);
                }
                writer.WriteEndObject();
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
                writer.WriteRawValue(Number(element), skipInputValidation: true);
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

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
