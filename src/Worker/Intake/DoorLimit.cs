using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Ops;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Intake;

/// <summary>How many posts a minute one token or address may make at this worker. Minutes are the clock's, so that all counts begin and are forgotten together.</summary>
public sealed class DoorLimit(int limit, TimeProvider time)
{
    private Minute current = new(-1, []);

    /// <summary>Counts a post.</summary>
    /// <param name="caller">Whose.</param>
    public Admission Admit(string caller)
    {
        var now = time.GetUtcNow();
        var index = now.ToUnixTimeSeconds() / 60;
        var minute = Volatile.Read(ref current);
        if (minute.Index < index)
        {
            var next = new Minute(index, []);
            var seen = Interlocked.CompareExchange(ref current, next, minute);
            minute = ReferenceEquals(seen, minute) ? next : seen;
        }
        var count = minute.Counts.AddOrUpdate(caller, 1, static (_, n) => n == int.MaxValue ? n : n + 1);
        return new Admission(count <= limit, limit, Math.Max(0, limit - count), DateTimeOffset.FromUnixTimeSeconds((minute.Index + 1) * 60), now);
    }

    private sealed record Minute(long Index, ConcurrentDictionary<string, int> Counts);
}

/// <summary>What the limit says about a post.</summary>
/// <param name="IsAdmitted">Whether it may go on.</param>
/// <param name="Limit">Posts a minute.</param>
/// <param name="Remaining">Posts left in this minute.</param>
/// <param name="Reset">When the next minute begins.</param>
/// <param name="Now">When it was asked.</param>
public sealed record Admission(bool IsAdmitted, int Limit, int Remaining, DateTimeOffset Reset, DateTimeOffset Now)
{
    /// <summary>Whole seconds until the next minute, at least one.</summary>
    public int RetryAfter => Math.Max(1, (int)Math.Ceiling((Reset - Now).TotalSeconds));
}

/// <summary>Puts the limit before the doors.</summary>
public static class DoorLimitRegistration
{
    /// <summary>Adds the count.</summary>
    public static void AddDoorLimit(this IServiceCollection services) =>
        services.AddSingleton(sp => new DoorLimit(sp.GetRequiredService<IOptions<IntakeOptions>>().Value.RateLimitPerMinute, sp.GetRequiredService<TimeProvider>()));

    /// <summary>Limits posts to these endpoints.</summary>
    public static TBuilder LimitPosts<TBuilder>(this TBuilder door) where TBuilder : IEndpointConventionBuilder => door.WithMetadata(new LimitedDoor());

    /// <summary>Answers 429 to what is too much, and tells everybody how much is left. Loopback is never limited, and a limit of 0 is none.</summary>
    public static void UseDoorLimit(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<IntakeOptions>>().Value.RateLimitPerMinute == 0)
            return;
        var doors = app.Services.GetRequiredService<DoorLimit>();
        app.Use(async (context, next) =>
        {
            if (context.GetEndpoint()?.Metadata.GetMetadata<LimitedDoor>() is null || Access.IsLoopback(context))
            {
                await next(context);
                return;
            }
            var admission = doors.Admit(context.User.Identity?.Name is { } name ? "token " + name : "address " + Neighbourhood(context.Connection.RemoteIpAddress));
            var headers = context.Response.Headers;
            headers["X-RateLimit-Limit"] = admission.Limit.ToString(CultureInfo.InvariantCulture);
            headers["X-RateLimit-Remaining"] = admission.Remaining.ToString(CultureInfo.InvariantCulture);
            headers["X-RateLimit-Reset"] = admission.Reset.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            if (admission.IsAdmitted)
            {
                await next(context);
                return;
            }
            GuardMeters.Limited(LimitType.Door);
            headers.RetryAfter = admission.RetryAfter.ToString(CultureInfo.InvariantCulture);
            await Problems.Of(429, "rate-limited", "Too many posts in this minute; send the leads again later, or several in one post.").ExecuteAsync(context);
        });
    }

    /// <summary>Whom an address stands for: itself, or in IPv6 its network, within which one customer has all addresses.</summary>
    internal static string Neighbourhood(IPAddress? address)
    {
        if (address is null)
            return "unknown";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress([.. address.GetAddressBytes().Take(8), .. new byte[8]]) + "/64" : address.ToString();
    }
}

/// <summary>Marks a door as limited.</summary>
public sealed class LimitedDoor;
