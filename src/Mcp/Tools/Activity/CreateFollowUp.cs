namespace LeadPipeline.Mcp.Tools;

/// <summary>Creates a task that brings a lead back to mind later.</summary>
public sealed class CreateFollowUp : TaskTool
{
    /// <inheritdoc/>
    public override string Name => "create_follow_up";

    /// <inheritdoc/>
    public override string Description => "Creates a task to look at the lead again on a later day.";
}
