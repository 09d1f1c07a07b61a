namespace LeadPipeline.Worker.Intake.Webhooks;

/// <summary>A webhook's post as it came, before anybody has believed a byte of it.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Url">The whole address as the sender called it, undecoded.</param>
/// <param name="Header">A header by its name in any case; null when it is missing.</param>
/// <param name="Body">The raw body.</param>
public sealed record WebhookRequest(string Method, string Url, Func<string, string?> Header, ReadOnlyMemory<byte> Body);
