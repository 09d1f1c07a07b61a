using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>A message that a consumer put aside, as it is to go back: sealed wherever it is kept, since it may hold a whole lead.</summary>
/// <param name="Body">The bytes as they came.</param>
/// <param name="MessageId">Its id, if it has one; it keeps it on the way back.</param>
/// <param name="ContentType">What it says to be.</param>
/// <param name="Headers">The sender's own headers that are text.</param>
/// <param name="Why">The exception's message; for people who may see the lead.</param>
public sealed record QueueMessage(byte[] Body, string? MessageId, string? ContentType, IReadOnlyDictionary<string, string> Headers, string? Why)
{
    /// <summary>A header of ours: when a message to intake failed first, ISO 8601. However late and often it goes back, it is the lead that it would have been then.</summary>
    public const string AcceptedBefore = "leadpipeline-accepted-before";

    /// <summary>The header's value for a time.</summary>
    public static string Written(DateTimeOffset at) => at.ToString("O", CultureInfo.InvariantCulture);

    /// <summary>The time that the header's value tells; null: none, for anybody may write it.</summary>
    public static DateTimeOffset? Time(string? value) =>
        DateTimeOffset.TryParseExact(value, "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var at) ? at.ToUniversalTime() : null;
}

/// <summary>A message from an error queue and what is said of it openly.</summary>
/// <param name="Queue">The one queue that it came from, and goes back to.</param>
/// <param name="Reason">The exception's type without its namespace: never a value.</param>
/// <param name="FailedAt">When it failed; tells one failure of a message from the next.</param>
/// <param name="Message">The message.</param>
public sealed record FailedMessage(string Queue, string Reason, DateTimeOffset FailedAt, QueueMessage Message)
{
    private static readonly Guid Space = new("7d0f2c52-6f4e-4a7e-9c35-5b1f0a9d8e21");

    /// <summary>The same however often the message is read, so that a crash between the commit and the acknowledgement makes no second row.</summary>
    public Guid Id => DeterministicId.Create(Space, $"{Queue}/{Message.MessageId}/{Convert.ToHexStringLower(SHA256.HashData(Message.Body))}");

    /// <summary>Equal causes get equal fingerprints.</summary>
    public string Fingerprint => $"{Queue.Replace("lead-", "", StringComparison.Ordinal)}/{Reason}";
}

/// <summary>Why a message was thrown away; takes the place of the message.</summary>
/// <param name="By">Who did it.</param>
/// <param name="Reason">In his words.</param>
public sealed record DiscardNote(string By, string Reason);

/// <summary>What a row keeps sealed beside what it says openly; one of the two.</summary>
internal sealed record DeadLetterDetail(QueueMessage? Message, DiscardNote? Discarded);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DeadLetterDetail))]
internal sealed partial class DeadLetterJson : JsonSerializerContext;
