using System.Text.Json.Serialization;

namespace LeadPipeline.Contracts;

/// <summary>Where a lead is on its path. The names are the same on every surface.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LeadStatus>))]
public enum LeadStatus
{
    /// <summary>Accepted and stored; the analysis has not begun.</summary>
    Received,
    /// <summary>A remote model is being asked.</summary>
    Analyzing,
    /// <summary>Analysed, grounded and planned; the plan has not begun.</summary>
    Analyzed,
    /// <summary>The plan is running against the CRM.</summary>
    Executing,
    /// <summary>Waiting for a limit, a retry or an open breaker; it goes on by itself at its due time.</summary>
    Deferred,
    /// <summary>Terminal: the plan ran to its end, perhaps with warnings.</summary>
    Completed,
    /// <summary>Terminal: the analysis did not survive grounding; nothing was done in the CRM.</summary>
    Rejected,
    /// <summary>Terminal: a safety guard or the policy forbade the plan; nothing was done in the CRM.</summary>
    Blocked,
    /// <summary>Terminal: a critical step failed for good and what had been done was undone.</summary>
    Compensated,
    /// <summary>Terminal for the machine: a person has to look.</summary>
    NeedsReview,
    /// <summary>Terminal: retries are spent or the message is unusable; see the dead letters.</summary>
    DeadLettered,
    /// <summary>Terminal: stopped by an operator while nothing had been sent.</summary>
    Cancelled,
    /// <summary>Terminal: the personal data was destroyed on request.</summary>
    Erased,
}

/// <summary>Facts about statuses.</summary>
public static class LeadStatuses
{
    /// <summary>Whether a lead in this status never moves again by itself.</summary>
    public static bool IsTerminal(this LeadStatus status) => status >= LeadStatus.Completed;
}
