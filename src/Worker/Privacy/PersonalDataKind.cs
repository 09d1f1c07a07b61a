namespace LeadPipeline.Worker.Privacy;

/// <summary>What kind of personal data a value is; decides how it is masked.</summary>
public enum PersonalDataKind
{
    /// <summary><c>j***@acme.com</c>: the domain tells whom we deal with, not who.</summary>
    Email,
    /// <summary><c>***4567</c>.</summary>
    Phone,
    /// <summary><c>A*** S***</c>.</summary>
    Name,
    /// <summary>Street, city, state: nothing is left.</summary>
    Address,
    /// <summary>Nothing is left.</summary>
    PostalCode,
    /// <summary>Tax, social-security, passport and account numbers: nothing is left.</summary>
    OfficialNumber,
    /// <summary>Prose, in which e-mail addresses, telephone and social-security numbers are masked and the rest stays.</summary>
    FreeText,
}

/// <summary>What is put in the place of personal data.</summary>
public enum RedactionStrategy
{
    /// <summary>A mask that leaves what an operator needs to tell two leads apart.</summary>
    Mask,
    /// <summary>A keyed hash: equal values stay equal, and nobody without the key can guess them.</summary>
    Hash,
    /// <summary>The first characters.</summary>
    Truncate,
}
