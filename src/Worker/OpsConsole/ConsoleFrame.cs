using System.Security.Claims;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole.Session;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>What every page needs to know of the request: who looks, what he may, and what came of his last act.</summary>
/// <param name="Visitor">His name; null before he has signed in.</param>
/// <param name="Roles">Those that he has, the administrator's spelt out.</param>
/// <param name="FormKey">For forms; null without a visit, and then there are none.</param>
/// <param name="Path">Where he is.</param>
/// <param name="Said">What came of his last act; null: nothing to say.</param>
/// <param name="Now">The time.</param>
public sealed record ConsoleFrame(string? Visitor, IReadOnlyList<string> Roles, string? FormKey, string Path, string? Said, DateTimeOffset Now)
{
    /// <summary>Whether he may read leads.</summary>
    public bool Reads => Roles.Contains(Access.Reader);

    /// <summary>Whether he may act on leads that stopped.</summary>
    public bool Operates => Roles.Contains(Access.Operator);

    /// <summary>Whether he may do everything.</summary>
    public bool Administers => Roles.Contains(Access.Admin);

    internal static ConsoleFrame Of(HttpContext context) => new(
        context.User.Identity is { IsAuthenticated: true, Name: { } name } ? name : null,
        RolesOf(context.User),
        context.Visit()?.FormKey,
        context.Request.Path,
        Notices.Of(context.Request.Query["said"]),
        context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow());

    private static string[] RolesOf(ClaimsPrincipal user) => [.. AuthOptions.Roles.Where(r => user.IsInRole(r) || user.IsInRole(Access.Admin))];
}

/// <summary>What a page says after an act. The address names a sentence and never carries one, so that nobody can put words into our mouth.</summary>
internal static class Notices
{
    private static readonly Dictionary<string, string> Sentences = new(StringComparer.Ordinal)
    {
        ["approved"] = "Approved. The lead goes on by itself.",
        ["rejected"] = "The review is closed; the lead stays as it is.",
        ["replayed"] = "The lead is on its way again.",
        ["cancelled"] = "The lead is cancelled. Nothing was sent to the CRM.",
        ["erased"] = "The personal data of this lead is destroyed.",
        ["not-written"] = "That you look could not be written into the audit chain, so the personal data stays masked. Try again after a while.",
        ["discarded"] = "The dead letter is put aside.",
        ["replaying"] = "The replay is ordered. Whichever worker lives carries it out.",
        ["stopped"] = "The replay is stopped; what has gone on goes on.",
        ["noted"] = "The note is written.",
        ["nothing"] = "There was nothing to replay.",
        ["granted"] = "Your yes is recorded.",
        ["denied"] = "Your no is recorded; the request is closed.",
        ["ended"] = "Your visit has ended; sign in again.",
        ["signed-out"] = "You are signed out.",
    };

    /// <summary>All codes.</summary>
    public static IReadOnlyCollection<string> Codes => Sentences.Keys;

    public static string? Of(string? code) => code is null ? null : Sentences.GetValueOrDefault(code);
}
