using System.Globalization;
using System.Threading.RateLimiting;
using LeadPipeline.Worker.Ops;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Intake;

/// <summary>How many posts a minute one token or address may make at this worker.</summary>
public static class DoorLimit
{
    /// <summary>Name of the policy.</summary>
    public const string Policy = "door";

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>Adds the limit; loopback is never limited, and 0 is no limit.</summary>
    public static void AddDoorLimit(this IServiceCollection services) => services.AddRateLimiter(limiter =>
    {
        limiter.AddPolicy(Policy, context =>
        {
            var limit = context.RequestServices.GetRequiredService<IOptions<IntakeOptions>>().Value.RateLimitPerMinute;
            return limit == 0 || Access.IsLoopback(context)
                ? RateLimitPartition.GetNoLimiter("")
                : RateLimitPartition.GetFixedWindowLimiter(
                    context.User.Identity?.Name ?? context.Connection.RemoteIpAddress?.ToString() ?? "unknown",
                    _ => new FixedWindowRateLimiterOptions { PermitLimit = limit, Window = Minute });
        });
        limiter.OnRejected = async (rejected, _) =>
        {
            var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : Minute;
            rejected.HttpContext.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            await Problems.Of(429, "rate-limited", "Too many posts in this minute; send the leads again later, or several in one post.").ExecuteAsync(rejected.HttpContext);
        };
    });
}
