// MailboxDelivery: being built.
