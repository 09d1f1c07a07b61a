using System.Globalization;
using System.Text;
using System.Text.Json;
using LeadPipeline.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LeadPipeline.Bench.Outside;

/// <summary>
/// A model over HTTP that takes its time. It judges as the honest one of the tests does, cites what a model would, checks nothing and keeps
/// nothing: it shares the cores with what is measured.
/// </summary>
internal sealed class ModelStub : IAsyncDisposable
{
    public const string ApiKey = "AIzaSyBench-0123456789abcdefghijklmnop";

    private const string Open = "<evidence>", Close = "</evidence>";

    private static readonly (string Path, string Type)[] Cited =
    [
        ("enrichment.industry", "FIRMOGRAPHIC"), ("enrichment.employees", "FIRMOGRAPHIC"), ("enrichment.geo", "FIRMOGRAPHIC"),
        ("marketing.emailClicks", "BEHAVIOR"), ("marketing.pricingPageViews", "BEHAVIOR"), ("marketing.webinarsAttended", "BEHAVIOR"), ("product.activeUsers", "BEHAVIOR"),
        ("computed.icpScore", "SCORE"), ("computed.engagementScore", "SCORE"),
    ];

    private readonly WebApplication app;
    private readonly TimeSpan wait;
    private int calls;

    private ModelStub(TimeSpan wait)
    {
        this.wait = wait;
        Address = new Uri($"http://127.0.0.1:{WorkerProcess.FreePort()}");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        app = builder.Build();
        app.Urls.Add(Address.ToString());
        app.Run(AnswerAsync);
    }

    public Uri Address { get; }

    /// <summary>Answers so far.</summary>
    public int Calls => Volatile.Read(ref calls);

    public static async Task<ModelStub> StartAsync(TimeSpan wait)
    {
        var stub = new ModelStub(wait);
        await stub.app.StartAsync();
        return stub;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        // From the arrival on, so that our own work is within the wait and not beside it.
        var until = Task.Delay(wait);
        using var question = await JsonDocument.ParseAsync(context.Request.Body);
        var answer = Answer(question.RootElement);
        await until;
        _ = Interlocked.Increment(ref calls);
        context.Response.ContentType = "application/json; charset=UTF-8";
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer);
    }

    private static byte[] Answer(JsonElement question)
    {
        var text = question.GetProperty("contents")[0].GetProperty("parts")[0].GetProperty("text").GetString()!;
        var from = text.IndexOf(Open, StringComparison.Ordinal) + Open.Length;
        using var evidence = JsonDocument.Parse(text.AsMemory(from, text.IndexOf(Close, StringComparison.Ordinal) - from));
        var analysis = Encoding.UTF8.GetString(Write(writer => Analysis(writer, evidence.RootElement)));
        return Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("candidates");
            writer.WriteStartObject();
            writer.WriteStartObject("content");
            writer.WriteString("role", "model");
            writer.WriteStartArray("parts");
            writer.WriteStartObject();
            writer.WriteString("text", analysis);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteString("finishReason", "STOP");
            writer.WriteNumber("index", 0);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteStartObject("usageMetadata");
            writer.WriteNumber("promptTokenCount", 1000);
            writer.WriteNumber("candidatesTokenCount", 200);
            writer.WriteNumber("totalTokenCount", 1200);
            writer.WriteEndObject();
            writer.WriteString("modelVersion", "bench-001");
            writer.WriteEndObject();
        });
    }

    private static void Analysis(Utf8JsonWriter writer, JsonElement evidence)
    {
        var score = (int)((Number(evidence, "computed.icpScore") + Number(evidence, "computed.engagementScore")) / 2);
        writer.WriteStartObject();
        writer.WriteStartArray("evidence");
        foreach (var (path, type) in Cited)
        {
            if (!evidence.TryGetProperty(path, out var value))
                continue;
            writer.WriteStartObject();
            writer.WriteString("source", path[..path.IndexOf('.', StringComparison.Ordinal)].ToUpper(CultureInfo.InvariantCulture));
            writer.WriteString("fieldPath", path);
            writer.WriteString("claimType", type);
            writer.WritePropertyName("value");
            value.WriteTo(writer);
            writer.WriteBoolean("central", false);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteString("reasoning", "The computed scores speak for themselves.");
        writer.WriteString("intent", score >= 70 ? "HIGH_FIT" : score >= 40 ? "MEDIUM_FIT" : "LOW_FIT");
        writer.WriteString("decision", score >= 60 ? "ROUTE_TO_SDR" : score >= 40 ? "NURTURE" : "IGNORE");
        writer.WriteNumber("fitScore", score);
        writer.WriteEndObject();
    }

    private static double Number(JsonElement evidence, string path) => evidence.TryGetProperty(path, out var value) ? value.GetDouble() : 0;

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(2048);
        using (var writer = new Utf8JsonWriter(buffer))
            write(writer);
        return buffer.WrittenSpan.ToArray();
    }
}
