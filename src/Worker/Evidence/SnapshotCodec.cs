using System.Globalization;
using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Evidence;

/// <summary>
/// A snapshot as canonical JSON: <c>{"leaves":{path:{"door","fetchedAt","provider","value"}},"takenAt"}</c>. Equal snapshots
/// give equal bytes, and the SHA-256 of the bytes is the snapshot's address.
/// </summary>
public static class SnapshotCodec
{
    /// <summary>The canonical UTF-8 bytes.</summary>
    public static byte[] Encode(EvidenceSnapshot snapshot)
    {
        using var pad = JsonPad.Rent();
        var writer = pad.Writer;
        writer.WriteStartObject();
        writer.WriteStartObject("leaves");
        foreach (var (path, leaf) in InOrder(snapshot.Leaves))
        {
            writer.WriteStartObject(path);
            writer.WriteString("door", leaf.Door);
            WriteTime(writer, "fetchedAt", leaf.FetchedAt);
            writer.WriteString("provider", leaf.Provider);
            writer.WritePropertyName("value");
            CanonicalJson.Write(writer, leaf.Value);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
        WriteTime(writer, "takenAt", snapshot.TakenAt);
        writer.WriteEndObject();
        return pad.Written.ToArray();
    }

    /// <summary>The content address: SHA-256 of the canonical bytes as lower-case hex.</summary>
    public static string Hash(EvidenceSnapshot snapshot) => CanonicalJson.Sha256Hex(Encode(snapshot));

    /// <summary>Reads a snapshot back.</summary>
    /// <exception cref="FormatException">The bytes are not a snapshot.</exception>
    public static EvidenceSnapshot Decode(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            // Written in ordinal order, and read in it.
            var leaves = new OrderedDictionary<string, EvidenceLeaf>(StringComparer.Ordinal);
            foreach (var member in root.GetProperty("leaves").EnumerateObject())
            {
                var leaf = member.Value;
                leaves[member.Name] = new EvidenceLeaf(
                    leaf.GetProperty("value").Clone(),
                    leaf.GetProperty("provider").GetString()!,
                    leaf.GetProperty("door").GetString()!,
                    leaf.GetProperty("fetchedAt").GetDateTimeOffset());
            }
            return new EvidenceSnapshot(leaves, root.GetProperty("takenAt").GetDateTimeOffset());
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException($"This is not an evidence snapshot: {fault.Message}", fault);
        }
    }

    private static IEnumerable<KeyValuePair<string, EvidenceLeaf>> InOrder(IReadOnlyDictionary<string, EvidenceLeaf> leaves) =>
        leaves is SortedDictionary<string, EvidenceLeaf> sorted && sorted.Comparer == StringComparer.Ordinal ? leaves : leaves.OrderBy(l => l.Key, StringComparer.Ordinal);

    private static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset time)
    {
        // yyyy-MM-ddTHH:mm:ss.fffffffZ
        Span<char> text = stackalloc char[28];
        time.UtcDateTime.TryFormat(text, out var length, "O", CultureInfo.InvariantCulture);
        writer.WriteString(name, text[..length]);
    }
}
