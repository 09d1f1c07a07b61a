using System.Buffers;
using System.Text.Json;

namespace LeadPipeline.Contracts;

/// <summary>
/// Something to write canonical JSON on, used again and again: a lead is written dozens of times, and nearly all of it is only hashed or sealed.
/// Take the bytes out before it is given back.
/// </summary>
public sealed class JsonPad : IDisposable
{
    /// <summary>Larger than this, it is left to the collector instead of being kept.</summary>
    private const int LargestKept = 256 * 1024;

    [ThreadStatic]
    private static JsonPad? free;

    private readonly ArrayBufferWriter<byte> buffer = new(4096);

    private JsonPad() => Writer = new Utf8JsonWriter(buffer, CanonicalJson.WriterOptions);

    /// <summary>The writer, set up for canonical output.</summary>
    public Utf8JsonWriter Writer { get; }

    /// <summary>What was written so far; valid until the pad is given back.</summary>
    public ReadOnlySpan<byte> Written
    {
        get
        {
            Writer.Flush();
            return buffer.WrittenSpan;
        }
    }

    /// <summary>An empty pad, to be disposed on the thread that rented it, without an <c>await</c> in between.</summary>
    public static JsonPad Rent()
    {
        var pad = free ?? new JsonPad();
        free = null;
        return pad;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (buffer.Capacity > LargestKept)
            return;
        buffer.ResetWrittenCount();
        Writer.Reset();
        free = this;
    }
}
