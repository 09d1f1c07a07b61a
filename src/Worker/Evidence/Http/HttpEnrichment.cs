using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Storage;
using Polly;
using Polly.CircuitBreaker;

namespace LeadPipeline.Worker.Evidence.Http;

/// <summary>What a service is asked about.</summary>
/// <param name="Email">The lead's address.</param>
/// <param name="Company">The company as the person states it.</param>
/// <param name="Country">The country likewise.</param>
public sealed record EnrichmentQuestion(string Email, string? Company, string? Country);

/// <summary>
/// Asks a service for a company, within a time-out and behind a circuit breaker, and keeps its answers. A lead never waits for a service that does not work:
/// it goes on with an older answer or with none, and ages and grounding say what that is worth.
/// </summary>
public sealed partial class HttpEnrichment
{
    /// <summary>Provider of the facts.</summary>
    public const string Provider = "http";

    private const string Vendor = "the enrichment service";

    /// <summary>A company that is not known today may be tomorrow.</summary>
    private static readonly TimeSpan UnknownFor = TimeSpan.FromDays(1);

    /// <summary>When credentials are refused or too much is asked, and nobody says how long that lasts.</summary>
    private static readonly TimeSpan PauseFor = TimeSpan.FromMinutes(1);

    private readonly HttpEnrichmentOptions options;
    private readonly UrlTemplate template;
    private readonly EnrichmentMap map;
    private readonly (string Name, string Value)? header;
    private readonly EnrichmentCache cache;
    private readonly HttpClient http;
    private readonly TimeProvider time;
    private readonly ILogger<HttpEnrichment> logger;
    private readonly ResiliencePipeline<VendorReply> breaker;
    private readonly KeyedGate<Uri> asking = new();
    private readonly ConcurrentDictionary<Uri, DateTimeOffset> failed = new();
    private readonly TimeSpan failedFor;
    private long pausedUntil;

    /// <summary>A service as configured.</summary>
    /// <exception cref="FormatException">It is not configured rightly.</exception>
    public HttpEnrichment(HttpEnrichmentOptions options, CrmGuardSettings guard, EnrichmentCache cache, HttpClient http, TimeProvider time, ILogger<HttpEnrichment> logger)
    {
        (this.options, this.cache, this.http, this.time, this.logger) = (options, cache, http, time, logger);
        template = UrlTemplate.Parse(options.UrlTemplate!);
        map = new EnrichmentMap(options.Map);
        failedFor = guard.BreakDuration;
        header = options.Header is null ? null : HeaderText.Parse(options.Header);
        breaker = new ResiliencePipelineBuilder<VendorReply> { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<VendorReply>
            {
                FailureRatio = guard.FailureRatio,
                MinimumThroughput = Math.Max(2, guard.MinimumThroughput),
                SamplingDuration = guard.Window,
                BreakDuration = guard.BreakDuration,
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Result is VendorReply.Lost or VendorReply.NotTaken or VendorReply.Answer { Status: 408 or >= 500 }),
                OnOpened = _ =>
                {
                    Log.Opened(this.logger, guard.BreakDuration);
                    return ValueTask.CompletedTask;
                },
                OnClosed = _ =>
                {
                    Log.Closed(this.logger);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
    }

    /// <summary>The paths that it can tell of.</summary>
    public IEnumerable<string> Paths => map.Paths;

    /// <summary>What is known of the company; null: nothing, or nobody can say now.</summary>
    public async Task<KnownCompany?> FindAsync(EnrichmentQuestion question, CancellationToken cancellationToken)
    {
        if (template.Fill(Values(question)) is not { } address)
            return null;
        // Leads of one company come together: the first asks, the others find its answer.
        using var only = await asking.EnterAsync(address, cancellationToken);
        var kept = await cache.FindAsync(address, cancellationToken);
        if (kept is not null && time.GetUtcNow() - kept.FetchedAt < Life(kept))
            return Known(kept);
        // Those who waited for the first would each wait a whole time-out as well, one after the other.
        if (failed.TryGetValue(address, out var at) && time.GetUtcNow() - at < failedFor)
            return Known(kept);
        var fetched = await FetchAsync(address, cancellationToken);
        if (fetched is not null)
            await cache.KeepAsync(address, fetched, cancellationToken);
        // An older answer keeps its date: grounding holds it for as old as it is.
        return Known(fetched ?? kept);
    }

    private TimeSpan Life(CachedCompany kept) => kept.Facts is null && UnknownFor < options.TimeToLive ? UnknownFor : options.TimeToLive;

    private static KnownCompany? Known(CachedCompany? company) => company?.Facts is { Count: > 0 } facts ? new KnownCompany(facts, company.FetchedAt) : null;

    /// <summary>A free-mail or throw-away domain is no company's.</summary>
    private static Dictionary<string, string?> Values(EnrichmentQuestion question)
    {
        var domain = EmailDomains.Of(question.Email);
        return new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["domain"] = domain is null || EmailDomains.IsFree(domain) || EmailDomains.IsDisposable(domain) ? null : domain,
            ["email"] = question.Email,
            ["company"] = question.Company,
            ["country"] = question.Country,
        };
    }

    private async Task<CachedCompany?> FetchAsync(Uri address, CancellationToken cancellationToken)
    {
        if (time.GetUtcNow().UtcTicks < Interlocked.Read(ref pausedUntil))
            return null;
        VendorReply reply;
        try
        {
            reply = await breaker.ExecuteAsync(async token => await SendAsync(address, token), cancellationToken);
        }
        catch (BrokenCircuitException)
        {
            return null;
        }
        cancellationToken.ThrowIfCancellationRequested();
        var read = Read(reply);
        if (read is null)
            Failed(address);
        return read;
    }

    /// <summary>Remembers a failure, and forgets those that are over: there are never more than fit into <see cref="failedFor"/>.</summary>
    private void Failed(Uri address)
    {
        var now = time.GetUtcNow();
        foreach (var over in failed.Where(f => now - f.Value >= failedFor))
            _ = failed.TryRemove(over);
        failed[address] = now;
    }

    private async Task<VendorReply> SendAsync(Uri address, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Accept.ParseAdd("application/json");
        if (header is var (name, value))
            request.Headers.TryAddWithoutValidation(name, value);
        return await HttpExchange.SendAsync(http, request, Vendor, options.Timeout, time, cancellationToken);
    }

    private CachedCompany? Read(VendorReply reply)
    {
        var now = time.GetUtcNow();
        switch (reply)
        {
            case VendorReply.Answer { Status: 404 or 204 or 410 }:
                return new CachedCompany(null, now);
            case VendorReply.Answer { Status: 200, Body: { } body }:
                return new CachedCompany(map.Read(JsonSerializer.SerializeToElement(body)) is { Count: > 0 } facts ? facts : null, now);
            case VendorReply.Answer { Status: 401 or 403 } refused:
                Pause(PauseFor);
                Log.Refused(logger, refused.Status, PauseFor);
                return null;
            case VendorReply.Answer { Status: 429 } busy:
                var wait = busy.Headers.RetryAfter is { } hint ? hint.Delta ?? hint.Date - now ?? PauseFor : PauseFor;
                Pause(wait);
                Log.Busy(logger, wait);
                return null;
            case VendorReply.Answer other:
                Log.NotUsable(logger, other.Status);
                return null;
            case VendorReply.NotTaken none:
                Log.Away(logger, none.Message);
                return null;
            default:
                Log.Away(logger, ((VendorReply.Lost)reply).Message);
                return null;
        }
    }

    private void Pause(TimeSpan wait) => Interlocked.Exchange(ref pausedUntil, (time.GetUtcNow() + (wait > TimeSpan.Zero ? wait : TimeSpan.Zero)).UtcTicks);

    private static partial class Log
    {
        [LoggerMessage(220, LogLevel.Warning, "Enrichment: {Why}; the lead goes on with what is known")]
        public static partial void Away(ILogger logger, string why);

        [LoggerMessage(221, LogLevel.Warning, "Enrichment: the service answered {Status}, which cannot be used; the lead goes on with what is known")]
        public static partial void NotUsable(ILogger logger, int status);

        [LoggerMessage(222, LogLevel.Error, "Enrichment: the service refuses us ({Status}); it is not asked for {Pause}. Check Enrichment:Http:Header")]
        public static partial void Refused(ILogger logger, int status, TimeSpan pause);

        [LoggerMessage(223, LogLevel.Warning, "Enrichment: too much was asked; the service is not asked for {Pause}")]
        public static partial void Busy(ILogger logger, TimeSpan pause);

        [LoggerMessage(224, LogLevel.Warning, "Enrichment: the service does not work and is not asked for {Pause}; leads go on with what is known")]
        public static partial void Opened(ILogger logger, TimeSpan pause);

        [LoggerMessage(225, LogLevel.Information, "Enrichment: the service works again")]
        public static partial void Closed(ILogger logger);
    }
}
