using System.Collections.Concurrent;
using System.Globalization;

namespace LeadPipeline.Mcp.Crm.Mock;

/// <summary>How the mock CRM can be told to fail.</summary>
public enum MockFault { Transient, Permanent, Timeout, DropAfterAccept, RateLimited, Unauthorized }

/// <summary>
/// Faults for drills: <c>create_task=permanent@1;upsert_lead=timeout@2-3;log_activity=transient@*;create_task=permanent@email:x@y.z</c>.
/// Tool, kind, and which calls of that tool: a number from 1, a range, all, or the calls for one lead.
/// </summary>
public sealed class MockFaults
{
    private readonly IReadOnlyList<Rule> rules;
    private readonly ConcurrentDictionary<string, int> calls = new();

    private MockFaults(IReadOnlyList<Rule> rules) => this.rules = rules;

    /// <summary>No faults.</summary>
    public static MockFaults None { get; } = new([]);

    /// <summary>Reads the notation above.</summary>
    /// <exception cref="FormatException">It is something else; the message says which part and what is allowed.</exception>
    public static MockFaults Parse(string? text) => string.IsNullOrWhiteSpace(text)
        ? None
        : new([.. text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(ParseRule)]);

    /// <summary>Counts a call and tells how it fails, if it does.</summary>
    public MockFault? Next(string tool, string email)
    {
        if (rules.Count == 0)
            return null;
        var call = calls.AddOrUpdate(tool, 1, (_, n) => n + 1);
        return rules.FirstOrDefault(r => r.Tool == tool && r.Matches(call, email))?.Fault;
    }

    private static Rule ParseRule(string text)
    {
        if (text.Split('=', 2) is not [var tool, var rest] || rest.Split('@', 2) is not [var kind, var which])
            throw new FormatException($"'{text}' is not a fault; write tool=kind@calls, for example create_task=permanent@1.");
        if (!Enum.TryParse<MockFault>(kind.Trim().Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out var fault) || !Enum.IsDefined(fault))
            throw new FormatException($"'{kind}' is not a kind of fault; use transient, permanent, timeout, drop_after_accept, rate_limited or unauthorized.");
        tool = tool.Trim();
        which = which.Trim();
        if (which == "*")
            return new Rule(tool, fault, 1, int.MaxValue, null);
        if (which.StartsWith("email:", StringComparison.OrdinalIgnoreCase))
            return new Rule(tool, fault, 1, int.MaxValue, which["email:".Length..].ToLowerInvariant());
        var ends = which.Split('-', 2);
        if (!int.TryParse(ends[0], CultureInfo.InvariantCulture, out var first) || !int.TryParse(ends[^1], CultureInfo.InvariantCulture, out var last) || first < 1 || last < first)
            throw new FormatException($"'{which}' does not say which calls; write a number from 1, a range such as 2-3, * or email:ADDRESS.");
        return new Rule(tool, fault, first, last, null);
    }

    private sealed record Rule(string Tool, MockFault Fault, int First, int Last, string? Email)
    {
        public bool Matches(int call, string email) => call >= First && call <= Last && (Email is null || Email == email);
    }
}
