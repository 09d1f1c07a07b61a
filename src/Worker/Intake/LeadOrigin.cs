namespace LeadPipeline.Worker.Intake;

/// <summary>How a lead came in: what the door knows about it that the body does not say.</summary>
/// <param name="Door"><c>api</c>, <c>file</c>, <c>queue</c>, or a webhook's or form's name; the default source, and the name space of idempotency keys.</param>
/// <param name="Trusted">Whether the sender's enrichment, marketing and product blocks are believed.</param>
/// <param name="IdempotencyKey">The sender's <c>Idempotency-Key</c>, <c>webhook-id</c> or <c>message-id</c>, as received.</param>
/// <param name="AcceptedAt">When the door took it in, if that was before now; e-mail buckets count from it.</param>
/// <param name="AnsweredLeadId">The id that a door already answered for this lead; it stays.</param>
public sealed record LeadOrigin(
    string Door,
    bool Trusted = false,
    string? IdempotencyKey = null,
    DateTimeOffset? AcceptedAt = null,
    Guid? AnsweredLeadId = null)
{
    /// <summary>How long an e-mail and campaign count as the same lead when the sender gives no key. Default 24 hours.</summary>
    public TimeSpan DedupeWindow { get; init; } = TimeSpan.FromHours(24);
}
