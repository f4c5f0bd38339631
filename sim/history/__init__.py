"""The record: what was counted, when and by whom; how sources see what happened; the model beside both."""
