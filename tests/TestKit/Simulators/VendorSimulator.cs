using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LeadPipeline.TestKit.Simulators;

/// <summary>A request as it came over the wire.</summary>
/// <param name="Method">The method, upper case.</param>
/// <param name="Path">The path, decoded.</param>
/// <param name="RawTarget">Path and query as they were sent.</param>
/// <param name="Query">The query's parameters, decoded.</param>
/// <param name="Headers">The headers; names ignore case.</param>
/// <param name="Body">The body as text.</param>
public sealed record SimulatedRequest(
    string Method, string Path, string RawTarget, IReadOnlyDictionary<string, string> Query, IReadOnlyDictionary<string, string> Headers, string Body)
{
    /// <summary>The body as JSON; null when it is none.</summary>
    public JsonNode? Json()
    {
        try
        {
            return string.IsNullOrWhiteSpace(Body) ? null : JsonNode.Parse(Body);
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}

/// <summary>An answer as it will go over the wire.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body; null: none.</param>
/// <param name="ContentType">The body's kind.</param>
public sealed record SimulatedAnswer(int Status, string? Body = null, string ContentType = "application/json;charset=UTF-8")
{
    /// <summary>Headers besides the content type.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>An answer of JSON.</summary>
    public static SimulatedAnswer Json(int status, JsonNode? body) => new(status, body?.ToJsonString());
}

/// <summary>One exchange that took place.</summary>
/// <param name="Operation">The operation's name.</param>
/// <param name="Request">What came.</param>
/// <param name="Answer">What went, or would have gone; null: the connection was ended before anything was done.</param>
public sealed record SimulatedExchange(string Operation, SimulatedRequest Request, SimulatedAnswer? Answer)
{
    /// <summary>When the request had come, by this machine's clock.</summary>
    public DateTimeOffset At { get; init; }
}

/// <summary>
/// A vendor on a free port of this machine: real HTTP, state of its own, faults on demand. It counts every exchange and, for each effect
/// key, how many records came to be with it.
/// </summary>
public abstract class VendorSimulator : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly Lock gate = new();
    private readonly List<SimulatedExchange> exchanges = [];
    private readonly Dictionary<string, int> effects = [];
    private readonly SemaphoreSlim one = new(1, 1);

    /// <summary>Made, not started.</summary>
    protected VendorSimulator()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.Run(HandleAsync);
    }

    /// <summary>Where it listens, once started.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>What is to go wrong.</summary>
    public SimulatorFaults Faults { get; } = new();

    /// <summary>Every exchange so far, in the order of their ends.</summary>
    public IReadOnlyList<SimulatedExchange> Exchanges
    {
        get
        {
            lock (gate)
                return [.. exchanges];
        }
    }

    /// <summary>How many records were ever made with an effect key, removed ones included.</summary>
    public IReadOnlyDictionary<string, int> Effects
    {
        get
        {
            lock (gate)
                return new Dictionary<string, int>(effects);
        }
    }

    /// <summary>HTTP calls so far, all or those of some operations.</summary>
    public int Calls(params string[] operations)
    {
        lock (gate)
            return exchanges.Count(e => operations.Length == 0 || operations.Contains(e.Operation));
    }

    /// <summary>Starts listening.</summary>
    protected async Task ListenAsync()
    {
        await app.StartAsync();
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Calls that wait to be released are cut off: a test that has ended wants no grace.
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
        one.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The operation that a request is of: the word by which faults are ordered and calls are counted.</summary>
    protected abstract string OperationOf(SimulatedRequest request);

    /// <summary>Does what is asked. Requests come one at a time.</summary>
    /// <param name="operation">The operation's name.</param>
    /// <param name="request">What came.</param>
    /// <param name="part">The part of a composite or batch that is to be refused; null: none.</param>
    protected abstract SimulatedAnswer Answer(string operation, SimulatedRequest request, SimulatorFault.FailPart? part);

    /// <summary>An ordered refusal in the vendor's words.</summary>
    protected abstract SimulatedAnswer Refusal(string operation, SimulatorFault.Refuse fault);

    /// <summary>Makes all tokens worthless.</summary>
    protected abstract void RotateTokens();

    /// <summary>A record came to be with this effect key.</summary>
    protected void Made(string effectKey)
    {
        lock (gate)
            effects[effectKey] = effects.GetValueOrDefault(effectKey) + 1;
    }

    private async Task HandleAsync(HttpContext context)
    {
        var request = await ReadAsync(context);
        var at = TimeProvider.System.GetUtcNow();
        var operation = OperationOf(request);
        var fault = Faults.Next(operation, request);
        switch (fault)
        {
            case SimulatorFault.ResetBefore:
                Keep(new SimulatedExchange(operation, request, null) { At = at });
                context.Abort();
                return;
            case SimulatorFault.Silence:
                Keep(new SimulatedExchange(operation, request, null) { At = at });
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            case SimulatorFault.WorkLate late:
                // The caller may hang up; the vendor works on all the same.
                await late.Until;
                break;
            case SimulatorFault.RotateToken:
                RotateTokens();
                break;
        }

        SimulatedAnswer answer;
        if (fault is SimulatorFault.Refuse refuse)
        {
            answer = Refusal(operation, refuse);
        }
        else
        {
            await one.WaitAsync();
            try
            {
                answer = Answer(operation, request, fault as SimulatorFault.FailPart);
            }
            finally
            {
                one.Release();
            }
        }
        Keep(new SimulatedExchange(operation, request, answer) { At = at });
        (fault as SimulatorFault.WorkLate)?.HasWorked();

        if (fault is SimulatorFault.AcceptAndDrop)
        {
            context.Abort();
            return;
        }
        if (fault is SimulatorFault.DropAfter drop)
        {
            await WritePartAsync(context, answer, drop.Bytes);
            return;
        }
        if (fault is SimulatorFault.AnswerLate answerLate)
            await answerLate.Until.WaitAsync(context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!context.RequestAborted.IsCancellationRequested)
            await WriteAsync(context, answer);
    }

    private void Keep(SimulatedExchange exchange)
    {
        lock (gate)
            exchanges.Add(exchange);
    }

    private static async Task<SimulatedRequest> ReadAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        return new SimulatedRequest(
            context.Request.Method.ToUpperInvariant(),
            context.Request.Path.Value ?? "/",
            context.Features.Get<IHttpRequestFeature>()!.RawTarget,
            context.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString()),
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body);
    }

    private static async Task WritePartAsync(HttpContext context, SimulatedAnswer answer, int bytes)
    {
        var body = Encoding.UTF8.GetBytes(answer.Body ?? "");
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.ContentType;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body.AsMemory(0, Math.Min(bytes, body.Length - 1)));
        await context.Response.Body.FlushAsync();
        context.Abort();
    }

    private static async Task WriteAsync(HttpContext context, SimulatedAnswer answer)
    {
        context.Response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
            context.Response.Headers[name] = value;
        if (answer.Body is null)
            return;
        context.Response.ContentType = answer.ContentType;
        await context.Response.WriteAsync(answer.Body);
    }
}
