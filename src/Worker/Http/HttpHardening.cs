using LeadPipeline.Worker.Ops;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Http;

/// <summary>What every answer says to browsers, and how much of the server one caller may take.</summary>
public static class HttpHardening
{
    /// <summary>Most bytes of a body that any route takes; a door may take fewer.</summary>
    public const int MaxBodyBytes = 1_048_576;

    // What is refused is still read, up to here, and thrown away: a sender whose connection breaks while he sends never sees the answer.
    private const int MaxDiscardedBytes = 10 * MaxBodyBytes;

    private const int MaxHeaderBytes = 16 * 1024, MaxHeaders = 64;

    /// <summary>Bounds what one connection may cost: size and number of headers, slow senders, connections at once.</summary>
    public static void AddHttpLimits(this IServiceCollection services) =>
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<HttpOptions>>((kestrel, http) =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = http.Value.MaxConnections;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
            kestrel.Limits.MaxRequestHeaderCount = MaxHeaders;
            kestrel.Limits.MaxRequestBodySize = MaxDiscardedBytes;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
            // A body of a megabyte over a bad line takes a while; one byte a second is somebody holding the door open.
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
            kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
        });

    /// <summary>Adds the headers, also to answers that are made after a fault. What an endpoint has set itself stays.</summary>
    public static void UseSecurityHeaders(this WebApplication app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(static state =>
        {
            var context = (HttpContext)state;
            var headers = context.Response.Headers;
            _ = headers.TryAdd("X-Content-Type-Options", "nosniff");
            _ = headers.TryAdd("Cache-Control", "no-store");
            _ = headers.TryAdd("Referrer-Policy", "no-referrer");
            _ = headers.TryAdd("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
            _ = headers.TryAdd("Cross-Origin-Resource-Policy", "same-origin");
            if (context.Request.IsHttps)
                _ = headers.TryAdd("Strict-Transport-Security", "max-age=31536000");
            return Task.CompletedTask;
        }, context);
        return next(context);
    });

    /// <summary>Answers 413 to bodies that say themselves that they are too large. One of unknown length is counted by whoever reads it.</summary>
    public static void UseBodyLimit(this WebApplication app) => app.Use((context, next) => context.Request.ContentLength > MaxBodyBytes
        ? Problems.Of(413, "too-large", $"A body may have {MaxBodyBytes} bytes at most; send it in several requests.").ExecuteAsync(context)
        : next(context));
}
