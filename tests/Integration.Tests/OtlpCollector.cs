using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LeadPipeline.Integration.Tests;

/// <summary>A span as a collector gets it.</summary>
internal sealed record CollectedSpan(string TraceId, string SpanId, string ParentId, string Name);

/// <summary>A collector of OpenTelemetry's protocol over HTTP that keeps what it is sent.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication app;

    private OtlpCollector(WebApplication app) => this.app = app;

    public string Address => app.Urls.First();

    public ConcurrentQueue<CollectedSpan> Spans { get; } = new();

    /// <summary>All that came as traces, as text where it is text: protobuf writes strings as they are.</summary>
    public ConcurrentQueue<string> Texts { get; } = new();

    public static async Task<OtlpCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var collector = new OtlpCollector(builder.Build());
        collector.app.MapPost("/v1/traces", async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            collector.Keep(body.ToArray());
            collector.Texts.Enqueue(System.Text.Encoding.UTF8.GetString(body.ToArray()));
        });
        collector.app.MapPost("/v1/metrics", () => Results.Ok());
        await collector.app.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    /// <summary>ExportTraceServiceRequest { 1: ResourceSpans { 2: ScopeSpans { 2: Span { 1: trace id, 2: span id, 4: parent, 5: name } } } }.</summary>
    private void Keep(byte[] request)
    {
        foreach (var span in Fields(request).Where(f => f.Number == 1).SelectMany(f => Fields(f.Bytes)).Where(f => f.Number == 2).SelectMany(f => Fields(f.Bytes)).Where(f => f.Number == 2))
        {
            var fields = Fields(span.Bytes).Where(f => f.Number is 1 or 2 or 4 or 5).ToLookup(f => f.Number, f => f.Bytes);
            Spans.Enqueue(new CollectedSpan(Hex(fields[1]), Hex(fields[2]), Hex(fields[4]), System.Text.Encoding.UTF8.GetString(fields[5].First().Span)));
        }
    }

    private static string Hex(IEnumerable<ReadOnlyMemory<byte>> field) => Convert.ToHexStringLower(field.FirstOrDefault().Span);

    /// <summary>The fields of a protobuf message that hold bytes; the others are passed over.</summary>
    private static List<(int Number, ReadOnlyMemory<byte> Bytes)> Fields(ReadOnlyMemory<byte> message)
    {
        var fields = new List<(int, ReadOnlyMemory<byte>)>();
        var at = 0;
        while (at < message.Length)
        {
            var tag = Varint(message.Span, ref at);
            switch (tag & 7)
            {
                case 0:
                    _ = Varint(message.Span, ref at);
                    break;
                case 1:
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message.Span, ref at);
                    fields.Add(((int)(tag >> 3), message.Slice(at, length)));
                    at += length;
                    break;
                case 5:
                    at += 4;
                    break;
                default:
                    throw new FormatException("This is not protobuf.");
            }
        }
        return fields;
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = bytes[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
    }
}
