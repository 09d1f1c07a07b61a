namespace LeadPipeline.Worker.Tests.Saga.Exploration;

/// <summary>The rules of delivery. All of them hold in the product; each can be broken here, to see that somebody notices.</summary>
public sealed record Rules
{
    /// <summary>A message is acknowledged when all is done, and not when it comes.</summary>
    public bool AcknowledgesLast { get; init; } = true;

    /// <summary>What follows is sent after the commit, and not before.</summary>
    public bool CommitsBeforeSending { get; init; } = true;

    /// <summary>A command that was carried out before is answered by sending the pending one again.</summary>
    public bool SendsAgain { get; init; } = true;

    /// <summary>What is pending and not heard of is sent again after a while.</summary>
    public bool Sweeps { get; init; } = true;

    /// <summary>A commit stands only on the version that it was decided on.</summary>
    public bool ChecksVersions { get; init; } = true;

    /// <summary>The epoch is durable before the CRM is called.</summary>
    public bool OpensEpochFirst { get; init; } = true;

    /// <summary>What was sent by somebody who is gone is looked up before it is sent again.</summary>
    public bool ReadsBack { get; init; } = true;

    /// <summary>A lead that a living worker is at is left to it.</summary>
    public bool RespectsOwners { get; init; } = true;
}

/// <summary>How often each misfortune may strike on one way.</summary>
public sealed record Misfortunes(int Crashes, int Copies, int LostSends, int Deferrals);
